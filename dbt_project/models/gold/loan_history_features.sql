{#- What was known at the application about the loans the customer took before. -#}
{{ config(materialized='incremental', unique_key='loan_id') }}

with applications as (
    select * from {{ ref('loan_applications') }}
    {%- if is_incremental() %}
    where loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
    {%- endif %}
),

repayments as (
    select * from {{ ref('loan_repayments') }}
),

known as (
    {{ known_rows(
        'applications', 'repayments', keys=['customer_id'],
        columns=['loan_id', 'loan_start_date', 'mob', 'days_past_due', 'balance'],
        **source_rule('lms_loan_daily')
    ) }}
),

-- a loan that starts on the day of the application is not an earlier one
earlier_rows as (
    select * from known
    where loan_start_date < application_date
),

earlier_loans as (
    select
        customer_id,
        application_date,
        loan_id,
        min(loan_start_date) as loan_start_date,
        max(snapshot_date) as snapshot_date,
        max(days_past_due) as worst_days_past_due,
        count(*) filter (where mob > 0 and days_past_due is not null) as installments,
        count(*) filter (where mob > 0 and days_past_due = 0) as installments_on_time
    from earlier_rows
    group by customer_id, application_date, loan_id
),

latest_rows as (
    select
        earlier_loans.*,
        earlier_rows.balance,
        earlier_rows.days_past_due
    from earlier_loans
    inner join earlier_rows
        on
            earlier_loans.customer_id = earlier_rows.customer_id
            and earlier_loans.application_date = earlier_rows.application_date
            and earlier_loans.loan_id = earlier_rows.loan_id
            and earlier_loans.snapshot_date = earlier_rows.snapshot_date
),

joined as (
    select
        applications.loan_id,
        applications.customer_id,
        applications.application_date,
        {{ all_but('history', ['customer_id', 'application_date']) }}
    from applications
    left join (
        select
            customer_id,
            application_date,
            count(*) as earlier_loans,
            max(snapshot_date) as snapshot_date,
            max(loan_start_date) as last_loan_start_date,
            max(worst_days_past_due) as worst_days_past_due,
            max(days_past_due) as current_days_past_due,
            sum(installments) as installments,
            sum(installments_on_time) as installments_on_time,
            sum(balance) as open_balance
        from latest_rows
        group by customer_id, application_date
    ) as history
        on
            applications.customer_id = history.customer_id
            and applications.application_date = history.application_date
),

missing as (
    {{ missing_rows(
        'applications', 'repayments', 'lms_loan_daily', columns=['loan_start_date'],
        condition='coalesce(loan_start_date, snapshot_date) < application_date'
    ) }}
),

features as (
    select
        joined.loan_id,
        joined.customer_id,
        joined.application_date,
        case
            when joined.customer_id is not null and joined.application_date is not null
                then coalesce(joined.earlier_loans, 0)
        end as earlier_loans,
        {{ months_between('joined.last_loan_start_date', 'joined.application_date') }}
            as months_since_last_loan,
        joined.worst_days_past_due as earlier_worst_days_past_due,
        joined.current_days_past_due as earlier_current_days_past_due,
        {{ ratio('joined.installments_on_time', 'joined.installments') }} as earlier_on_time_share,
        cast(joined.open_balance as decimal(18, 2)) as earlier_open_balance,
        {{ provenance('loan_history') }}
    from joined
    left join missing
        on
            joined.customer_id = missing.customer_id
            and joined.application_date = missing.application_date
)

select * from features
order by loan_id
