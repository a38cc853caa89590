with label_maturity as (
    select * from {{ ref('label_maturity') }}
),

labels as (
    select
        loan_id,
        customer_id,
        application_date,
        label_definition,
        matures_on as label_date,
        window_ends_on,
        known_on,
        days_past_due,
        label,
        is_marginal
    from label_maturity
    where is_closed
)

select * from labels
order by label_definition, loan_id
