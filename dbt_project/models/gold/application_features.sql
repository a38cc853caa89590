{#- The terms that were asked for, and how heavy they are for the income known at the application. -#}
{{ config(materialized='incremental', unique_key='loan_id') }}

with applications as (
    select * from {{ ref('loan_applications') }}
    {%- if is_incremental() %}
    where loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
    {%- endif %}
),

financials as (
    select * from {{ ref('financials_features') }}
),

features as (
    select
        applications.loan_id,
        applications.customer_id,
        applications.application_date,
        applications.loan_amt,
        applications.tenure,
        {{ ratio('applications.loan_amt', 'applications.tenure') }}
        / nullif(cast(financials.monthly_inhand_salary as double), 0) as installment_to_salary_ratio,
        {{ ratio('applications.loan_amt', 'financials.annual_income') }} as loan_to_income_ratio
    from applications
    left join financials on applications.loan_id = financials.loan_id
)

select * from features
order by loan_id
