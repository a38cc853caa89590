{#- Single numbers of report and deck that no other model has. -#}
with applications as (
    select * from {{ ref('loan_applications') }}
),

features as (
    select * from {{ ref('feature_store') }}
),

repayments as (
    select * from {{ ref('loan_repayments') }}
    where known_until is null
),

clickstream as (
    select * from {{ ref('clickstream') }}
    where known_until is null
),

financials as (
    select * from {{ ref('customer_financials') }}
    where known_until is null
),

of_features as (
    select
        count(*) as loans,
        max(application_date) as newest_application,
        count(*) filter (where age < 18) as applicants_under_18,
        count(*) filter (where clickstream_months_all between 1 and 2) as loans_with_short_clickstream,
        count(*) filter (where loan_history_null_reason is null) as loans_with_earlier_loan
    from features
),

of_training as (
    select count(*) as labelled_loans from {{ ref('training_set') }}
),

of_attributes as (
    select count(*) filter (where not is_ssn_valid) as invalid_ssns
    from {{ ref('customer_attributes') }}
),

early_payments as (
    select
        count(*) as early_payments,
        min(delay_from_due_date) as earliest_payment_days,
        max(delay_from_due_date) as latest_early_payment_days
    from financials
    where delay_from_due_date < 0
),

missed_one as (
    select
        count(*) as rows_missing_one_instalment,
        min(days_past_due) as fewest_days_past_due,
        max(days_past_due) as most_days_past_due,
        count(*) filter (where days_past_due < 30) as rows_missing_one_below_30_days
    from repayments
    where installments_missed = 1
),

-- of the months that a join on the customer alone finds
later_months as (
    select
        coalesce(avg(cast(clickstream.snapshot_date > applications.application_date as integer)), 0)
            as later_clickstream_share
    from applications
    inner join clickstream on applications.customer_id = clickstream.customer_id
),

snapshot_dates as (
    {%- for facts in var('sources').values() %}
    select snapshot_date from {{ ref(facts.silver) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- dates that are another valid date with day and month swapped
ambiguous_dates as (
    select
        count(*) as ambiguous_dates,
        max(snapshot_date) as ambiguous_date_example
    from snapshot_dates
    where day(snapshot_date) <= 12 and day(snapshot_date) <> month(snapshot_date)
),

-- a number that is possible alone but not together with the salary of its row, as in the file
contradictions as (
    select
        min_by(split_part(action, ':', 1), (load_id, row_number)) as contradicting_column,
        min_by(
            case
                when action like 'annual_income:%' then annual_income_text
                else total_emi_per_month_text
            end,
            (load_id, row_number)
        ) as contradicting_value,
        min_by(salary_text, (load_id, row_number)) as contradicted_salary
    from (
        select
            financials.load_id,
            financials.row_number,
            unnest(financials.cleaning_actions) as action,
            bronze.annual_income as annual_income_text,
            bronze.total_emi_per_month as total_emi_per_month_text,
            bronze.monthly_inhand_salary as salary_text
        from financials
        inner join {{ source('bronze', 'features_financials') }} as bronze
            on
                financials.load_id = bronze._load_id
                and financials.source_file = bronze._source_file
                and financials.row_number = bronze._row_number
        where len(financials.cleaning_actions) > 0
    )
    where action in ('annual_income:inconsistent', 'total_emi_per_month:inconsistent')
),

key_figures as (
    select
        *,
        cast({{ var('psi_limit') }} as double) as psi_limit,
        cast({{ var('psi_steady') }} as double) as psi_steady,
        cast({{ var('leak_auc') }} as double) as leak_auc,
        cast({{ var('leak_min_loans') }} as integer) as leak_min_loans
    from of_features
    cross join of_training
    cross join of_attributes
    cross join early_payments
    cross join missed_one
    cross join later_months
    cross join ambiguous_dates
    cross join contradictions
)

select * from key_figures
