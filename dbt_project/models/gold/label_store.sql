with label_maturity as (
    select * from {{ ref('label_maturity') }}
),

labels as (
    select
        loan_id,
        customer_id,
        application_date,
        matures_on as label_date,
        label_definition,
        days_past_due,
        label
    from label_maturity
    where is_closed
)

select * from labels
order by label_definition, loan_id
