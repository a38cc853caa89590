{{ config(materialized='incremental', unique_key='loan_id') }}
{%- set copied = [
    'annual_income', 'monthly_inhand_salary', 'num_bank_accounts', 'num_credit_card', 'interest_rate',
    'num_of_loan', 'delay_from_due_date', 'num_of_delayed_payment', 'changed_credit_limit',
    'num_credit_inquiries', 'outstanding_debt', 'credit_utilization_ratio',
    'credit_history_age_months', 'total_emi_per_month', 'amount_invested_monthly',
    'monthly_balance', 'credit_mix', 'payment_of_min_amount', 'spending_level', 'payment_size',
] -%}

with applications as (
    select * from {{ ref('loan_applications') }}
    {%- if is_incremental() %}
    where loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
    {%- endif %}
),

financials as (
    select * from {{ ref('customer_financials') }}
),

joined as (
    {{ as_of_join(
        'applications', 'financials', keys=['customer_id'], columns=copied + ['loan_kinds'],
        is_unique=true, **source_rule('features_financials')
    ) }}
),

missing as (
    {{ missing_rows('applications', 'financials', 'features_financials') }}
),

features as (
    select
        joined.loan_id,
        joined.customer_id,
        joined.application_date,
        {%- for column in copied %}
        joined.{{ column }},
        {%- endfor %}
        {{ ratio('joined.outstanding_debt', 'joined.annual_income') }} as debt_to_income_ratio,
        {{ ratio('joined.total_emi_per_month', 'joined.monthly_inhand_salary') }} as emi_to_salary_ratio,
        {{ ratio('joined.amount_invested_monthly', 'joined.monthly_inhand_salary') }}
            as invested_to_salary_ratio,
        {{ ratio('joined.monthly_balance', 'joined.monthly_inhand_salary') }} as balance_to_salary_ratio,
        {{ ratio('joined.num_of_delayed_payment', 'joined.num_of_loan') }} as delayed_payments_per_loan,
        {%- for kind in var('loan_kinds') %}
        {{ list_count('joined.loan_kinds', "element = '" ~ kind ~ "'") }} as num_{{ kind }}_loans,
        {%- endfor %}
        {{ provenance('financials') }}
    from joined
    left join missing
        on
            joined.customer_id = missing.customer_id
            and joined.application_date = missing.application_date
)

select * from features
order by loan_id
