{%- set numbers = {
    'annual_income': ('Annual_Income', 'decimal(18, 2)'),
    'monthly_inhand_salary': ('Monthly_Inhand_Salary', 'decimal(18, 2)'),
    'num_bank_accounts': ('Num_Bank_Accounts', 'integer'),
    'num_credit_card': ('Num_Credit_Card', 'integer'),
    'interest_rate': ('Interest_Rate', 'double'),
    'num_of_loan': ('Num_of_Loan', 'integer'),
    'delay_from_due_date': ('Delay_from_due_date', 'integer'),
    'num_of_delayed_payment': ('Num_of_Delayed_Payment', 'integer'),
    'changed_credit_limit': ('Changed_Credit_Limit', 'double'),
    'num_credit_inquiries': ('Num_Credit_Inquiries', 'integer'),
    'outstanding_debt': ('Outstanding_Debt', 'decimal(18, 2)'),
    'credit_utilization_ratio': ('Credit_Utilization_Ratio', 'double'),
    'total_emi_per_month': ('Total_EMI_per_month', 'decimal(18, 2)'),
    'amount_invested_monthly': ('Amount_invested_monthly', 'decimal(18, 2)'),
    'monthly_balance': ('Monthly_Balance', 'decimal(18, 2)'),
} -%}
{#- a number that is possible alone but contradicts the salary: the condition under which it stays -#}
{%- set consistent_when = {
    'annual_income':
        'annual_income_in_range / (12 * monthly_inhand_salary_in_range) between '
        ~ (var('income_to_salary_range') | join(' and ')),
    'total_emi_per_month': 'total_emi_per_month_in_range <= monthly_inhand_salary_in_range',
} -%}
{%- set years_and_months = '^([0-9]+) Years? and ([0-9]+) Months?$' -%}
{%- set spent_and_size = '^([A-Za-z]+)_spent_([A-Za-z]+)_value_payments$' -%}

with versions as (
    {{ versions('features_financials') }}
),

-- the number that each text holds, possible or not
numbers as (
    select
        *,
        {%- for column, (raw, data_type) in numbers.items() %}
        {{ number_value(raw) }} as {{ column }}_number,
        {%- endfor %}
        12 * try_cast({{ captured('Credit_History_Age', years_and_months, 1) }} as integer)
        + try_cast({{ captured('Credit_History_Age', years_and_months, 2) }} as integer)
            as credit_history_age_months_number
    from versions
),

in_range as (
    select
        *,
        {%- for column, (raw, data_type) in numbers.items() %}
        {{ in_range(column ~ '_number', column, data_type) }} as {{ column }}_in_range,
        {%- endfor %}
        {{ in_range('credit_history_age_months_number', 'credit_history_age_months', 'integer') }}
            as credit_history_age_months_cleaned,
        -- 'A, B, and C' as [a, b, c]; no text means no loans, a filler that nobody knows
        case
            when {{ text_value('Type_of_Loan') }} is null then {{ dbt.array_construct([], dbt.type_string()) }}
            else {{ list_mapped(
                'split(replace(' ~ text_value('Type_of_Loan') ~ ", ', and ', ','), ',')",
                "replace(replace(replace(lower(trim(element)), ' loan', ''), '-', '_'), ' ', '_')"
            ) }}
        end as loan_kinds_read,
        coalesce(
            {{ trimmed('Type_of_Loan') }} = 'NM'
            or {{ trimmed('Type_of_Loan') }} <> ''
            and not {{ matches(trimmed('Type_of_Loan'), '^[A-Za-z][A-Za-z, _-]*$') }},
            false
        ) as is_loan_filler
    from numbers
),

cleaned as (
    select
        *,
        {%- for column in numbers if column != 'num_of_loan' %}
        {%- if column in consistent_when %}
        case when coalesce({{ consistent_when[column] }}, true) then {{ column }}_in_range end as {{ column }}_cleaned,
        {%- else %}
        {{ column }}_in_range as {{ column }}_cleaned,
        {%- endif %}
        {%- endfor %}
        -- the list of loans says how many there are, where the number itself is impossible
        coalesce(
            num_of_loan_in_range,
            case
                when not is_loan_filler
                    then {{ in_range(list_count('loan_kinds_read'), 'num_of_loan', 'integer') }}
            end
        ) as num_of_loan_cleaned,
        case
            when is_loan_filler then null
            when {{ text_value('Type_of_Loan') }} is null and num_of_loan_in_range > 0 then null
            else {{ without_nulls(list_mapped(
                'loan_kinds_read',
                "case when element in ('" ~ var('loan_kinds') | join("', '") ~ "') then element end"
            )) }}
        end as loan_kinds_cleaned,
        {{ accepted(text_value('Credit_Mix'), 'credit_mix') }} as credit_mix_cleaned,
        {{ accepted(text_value('Payment_of_Min_Amount'), 'payment_of_min_amount') }}
            as payment_of_min_amount_cleaned,
        {{ accepted(captured('Payment_Behaviour', spent_and_size, 1), 'spending_level') }}
            as spending_level_cleaned,
        {{ accepted(captured('Payment_Behaviour', spent_and_size, 2), 'payment_size') }}
            as payment_size_cleaned
    from in_range
),

financials as (
    select
        entity_id as customer_id,
        event_date as snapshot_date,
        {%- for column in numbers %}
        {{ column }}_cleaned as {{ column }},
        {%- endfor %}
        credit_history_age_months_cleaned as credit_history_age_months,
        loan_kinds_cleaned as loan_kinds,
        credit_mix_cleaned as credit_mix,
        payment_of_min_amount_cleaned as payment_of_min_amount,
        spending_level_cleaned as spending_level,
        payment_size_cleaned as payment_size,
        {%- set actions = [] -%}
        {%- for column, (raw, data_type) in numbers.items() if column != 'num_of_loan' -%}
            {%- do actions.append(cleaning_action(
                column, raw, column ~ '_cleaned', number=column ~ '_number',
                in_range=column ~ '_in_range' if column in consistent_when else none
            )) -%}
        {%- endfor -%}
        {%- do actions.append(cleaning_action(
            'num_of_loan', 'Num_of_Loan', 'num_of_loan_cleaned', number='num_of_loan_number'
        )) -%}
        {%- do actions.append(
            "case when num_of_loan_in_range is null and num_of_loan_cleaned is not null"
            ~ " then 'num_of_loan:repaired' end"
        ) -%}
        {%- do actions.append(
            "case when is_loan_filler then 'loan_kinds:placeholder'"
            ~ ' when ' ~ list_count('loan_kinds_cleaned') ~ ' < ' ~ list_count('loan_kinds_read')
            ~ " then 'loan_kinds:not_accepted' end"
        ) -%}
        {%- do actions.append(cleaning_action(
            'credit_history_age_months', 'Credit_History_Age', 'credit_history_age_months_cleaned',
            number='credit_history_age_months_number'
        )) -%}
        {%- do actions.append(cleaning_action('credit_mix', 'Credit_Mix', 'credit_mix_cleaned')) -%}
        {%- do actions.append(cleaning_action(
            'payment_of_min_amount', 'Payment_of_Min_Amount', 'payment_of_min_amount_cleaned'
        )) -%}
        {%- do actions.append(cleaning_action(
            'payment_behaviour', 'Payment_Behaviour', 'spending_level_cleaned || payment_size_cleaned'
        )) %}
        {{ list_of_actions(actions) }} as cleaning_actions,
        {{ version_columns() }}
    from cleaned
)

select * from financials
order by customer_id, snapshot_date, load_id
