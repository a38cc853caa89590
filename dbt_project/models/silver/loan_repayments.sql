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
        {{ in_range(amount ~ '_number', amount, 'decimal(18, 2)') }} as {{ amount }}_cleaned{{ ',' if not loop.last }}
        {%- endfor %}
    from numbers
),

-- How many instalments are missing: unknown where money is overdue and no instalment amount is
-- due, or more of them than any loan has. Rounded before ceil: 1666.65 / 333.33 is a hair above 5.
missed as (
    select
        *,
        case
            when overdue_amt_cleaned = 0 then 0
            when due_amt_cleaned > 0
                then {{ in_range('ceil(round(' ~ ratio('overdue_amt_cleaned', 'due_amt_cleaned') ~ ', 11))', 'tenure', 'integer') }}
        end as installments_missed
    from cleaned
),

first_missed as (
    select
        *,
        case
            when installments_missed > 0
                then {{ minus_months('event_date', 'installments_missed') }}
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
        {%- set actions = [cleaning_action('tenure', 'tenure', 'tenure_cleaned', number='tenure_number')] -%}
        {%- for amount in amounts -%}
            {%- do actions.append(cleaning_action(amount, amount, amount ~ '_cleaned', number=amount ~ '_number')) -%}
        {%- endfor -%}
        {%- do actions.append(
            "case when overdue_amt_cleaned > 0 and installments_missed is null"
            ~ " then case when due_amt_cleaned > 0 then 'days_past_due:inconsistent'"
            ~ " else 'days_past_due:no_amount_due' end end"
        ) %}
        {{ list_of_actions(actions) }} as cleaning_actions,
        {{ version_columns() }}
    from first_missed
)

select * from repayments
order by loan_id, snapshot_date, load_id
