{%- set amounts = ['loan_amt', 'due_amt', 'paid_amt', 'overdue_amt', 'balance'] -%}

with versions as (
    {{ versions('lms_loan_daily') }}
),

numbers as (
    select
        *,
        {{ number_value('tenure') }} as tenure_number,
        {%- for amount in amounts %}
        {{ number_value(amount) }} as {{ amount }}_number{{ ',' if not loop.last }}
        {%- endfor %}
    from versions
),

cleaned as (
    select
        *,
        {{ in_range('tenure_number', 'tenure', 'integer') }} as tenure_cleaned,
        {%- for amount in amounts %}
        {{ in_range(amount ~ '_number', amount, 'decimal(18, 2)') }}
            as {{ amount }}_cleaned{{ ',' if not loop.last }}
        {%- endfor %}
    from numbers
),

-- After the last instalment that was due, amounts are counted in that instalment, and days past due
-- go on counting from the first missed one. Earlier rows count as they were known when this row
-- became known, so that no later load changes it.
last_due as (
    select
        later._load_id,
        later._source_file,
        later._row_number,
        max(earlier.event_date) as due_date,
        max_by(earlier.due_amt_cleaned, earlier.event_date) as due_amt
    from cleaned as later
    inner join cleaned as earlier
        on
            later.entity_id = earlier.entity_id
            and later.event_date > earlier.event_date
            and later.known_from >= earlier.known_from
            and (earlier.known_until is null or earlier.known_until > later.known_from)
    where
        later.overdue_amt_cleaned > 0
        and later.due_amt_cleaned = 0
        and earlier.due_amt_cleaned > 0
    group by later._load_id, later._source_file, later._row_number
),

with_instalment as (
    select
        cleaned.*,
        coalesce(last_due.due_amt, cleaned.due_amt_cleaned) as instalment,
        coalesce(last_due.due_date, cleaned.event_date) as last_due_date
    from cleaned
    left join last_due
        on
            cleaned._load_id = last_due._load_id
            and cleaned._source_file = last_due._source_file
            and cleaned._row_number = last_due._row_number
),

-- rounded before ceil: 1666.65 / 333.33 is a hair above 5
overdue as (
    select
        *,
        round({{ ratio('overdue_amt_cleaned - ' ~ var('overdue_tolerance'), 'instalment') }}, 11)
            as instalments_overdue
    from with_instalment
),

-- unknown where money is overdue and no instalment is, or more of them than any loan has
missed as (
    select
        *,
        case
            when overdue_amt_cleaned <= {{ var('overdue_tolerance') }} then 0
            when instalment > 0
                then {{ in_range('ceil(instalments_overdue)', 'tenure', 'integer') }}
        end as installments_missed
    from overdue
),

first_missed as (
    select
        *,
        case
            when installments_missed > 0
                then {{ months_later('last_due_date', '-installments_missed') }}
        end as first_missed_date
    from missed
),

repayments as (
    select
        entity_id as loan_id,
        {{ text_value('Customer_ID') }} as customer_id,
        {{ loan_start_date_of('lms_loan_daily') }} as loan_start_date,
        event_date as snapshot_date,
        cast({{ number_value('installment_num') }} as integer) as mob,
        tenure_cleaned as tenure,
        {%- for amount in amounts %}
        {{ amount }}_cleaned as {{ amount }},
        {%- endfor %}
        installments_missed,
        first_missed_date,
        case
            when installments_missed = 0 then 0
            else {{ days_between('first_missed_date', 'event_date') }}
        end as days_past_due,
        case
            when installments_missed > 0
                then instalments_overdue - (installments_missed - 1) < {{ var('marginal_share') }}
            when installments_missed = 0 then false
        end as is_marginal,
        {%- set actions = [
            cleaning_action('tenure', 'tenure', 'tenure_cleaned', number='tenure_number')
        ] -%}
        {%- for amount in amounts -%}
            {%- do actions.append(
                cleaning_action(amount, amount, amount ~ '_cleaned', number=amount ~ '_number')
            ) -%}
        {%- endfor -%}
        {%- do actions.append(
            "case when overdue_amt_cleaned > 0 and installments_missed is null"
            ~ " then case when instalment > 0 then 'days_past_due:inconsistent'"
            ~ " else 'days_past_due:no_amount_due' end end"
        ) %}
        {{ list_of_actions(actions) }} as cleaning_actions,
        {{ version_columns() }}
    from first_missed
)

select * from repayments
order by loan_id, snapshot_date, load_id
