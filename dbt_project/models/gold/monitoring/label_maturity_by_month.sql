with maturity as (
    select * from {{ ref('label_maturity') }}
),

label_maturity_by_month as (
    select
        label_definition,
        cast(date_trunc('month', application_date) as date) as application_month,
        maturity,
        count(*) as loans,
        max(matures_on) as last_matures_on
    from maturity
    group by label_definition, date_trunc('month', application_date), maturity
)

select * from label_maturity_by_month
order by label_definition, application_month, maturity
