{# One row per customer and snapshot of the financials. #}
{% set source = 'financials' %}
{% set absent_share = NO_FINANCIALS_SHARE %}
{% set history = 'along(' ~ draw('history_months') ~ ', kind.history_months_range) + days_since / 30.44' %}
{% set behaviour_shares = {} %}
{% for name, (share, _) in BEHAVIOURS.items() %}
{% set _ = behaviour_shares.update({text(name): share}) %}
{% endfor %}
    with
    {% include 'snapshots.sql' %},
    figures as (
        select
            snapshots.*,
            kind.credit_mix,
            {{ long_fraction('income', 'round(' ~ figure('income') ~ ', 2)') }} as income,
            -- A salary of a twelfth of the income, give or take: a few are far off.
            income / 12 * (1 - 0.3 * power(2 * {{ draw('salary') }} - 1, 3)) as exact_salary,
            least(
                if({{ draw('round salary') }} < 0.35, round(exact_salary, 2), exact_salary),
                {{ SALARY_MOST }}
            ) as salary,
            if(
                customer_no % {{ MINUS_ONE_ACCOUNT_AT[0] }} = {{ MINUS_ONE_ACCOUNT_AT[1] }},
                -1,
                {{ counted('bank_accounts') }}
            ) as bank_accounts,
            {{ counted('credit_cards') }} as credit_cards,
            {{ counted('interest_rate') }} as interest_rate,
            cast(round(along({{ draw('loans') }}, kind.loans_range)) as integer) as loans,
            [
                {% for number in range(1, MOST_LOANS + 1) %}
                {{ one_of(LOAN_KINDS, 'loan kind ' ~ number) }}{{ ',' if not loop.last }}
                {% endfor %}
            ][:loans] as kinds,
            {{ counted('delay_days') }} as delay_days,
            {{ counted('delayed_payments') }} as delayed_payments,
            {{ long_fraction('limit_change', 'round(' ~ figure('limit_change') ~ ', 2)') }} as limit_change,
            {{ counted('inquiries') }} as inquiries,
            round({{ figure('debt') }}, 2) as debt,
            20.1 + 20 * {{ draw('use', 'row_state') }} + 8 * power({{ draw('use') }}, 3) as utilization,
            {{ within(HISTORY_MONTHS, 'cast(round(' ~ history ~ ') as integer)') }} as history_months,
            if({{ draw('minimum') }} < kind.pays_minimum_share, 'Yes', 'No') as pays_minimum,
            {{ choice(behaviour_shares, draw('behaviour', 'row_state'), "'Low_spent_Small_value_payments'") }}
                as behaviour
        from snapshots
        inner join kinds as kind on snapshots.kind_no = kind.kind_no
    ),
    budgets as (
        select
            *,
            salary * loans * 0.0076 * (0.8 + 0.4 * {{ draw('emi', 'row_state') }}) as emi,
            cast(
                case behaviour
                    {% for name, (_, amount) in BEHAVIOURS.items() %}
                    when {{ text(name) }} then {{ amount }}
                    {% endfor %}
                end as double
            ) as spent,
            salary / 10 + spent - emi as left_over,
            least(
                greatest(
                    salary * (0.007 + 0.12 * power({{ draw('invested', 'row_state') }}, 1.6)),
                    left_over - {{ BALANCE_MOST }}
                ),
                greatest(left_over - 20, 0)
            ) as invested
        from figures
    )
    select
        customer_id as "Customer_ID",
        {{ dirty('income', 'income', 'double') }} as "Annual_Income",
        salary as "Monthly_Inhand_Salary",
        {{ dirty('bank_accounts', 'bank_accounts') }} as "Num_Bank_Accounts",
        {{ dirty('credit_cards', 'credit_cards') }} as "Num_Credit_Card",
        {{ dirty('interest_rate', 'interest_rate') }} as "Interest_Rate",
        {{ dirty('loans', 'loans') }} as "Num_of_Loan",
        case
            when loans = 0 then null
            when loans = 1 then kinds[1]
            else concat(array_to_string(kinds[:-2], ', '), ', and ', kinds[-1])
        end as "Type_of_Loan",
        {{ or_negative('delay_days', NEGATIVE_SHARE.delay_days, 5, 'delay_days') }}
            as "Delay_from_due_date",
        {{ dirty(
            'delayed_payments',
            or_negative('delayed_payments', NEGATIVE_SHARE.delayed_payments, 3, 'delayed_payments')
        ) }} as "Num_of_Delayed_Payment",
        {{ dirty('limit_change', 'limit_change') }} as "Changed_Credit_Limit",
        {{ dirty('inquiries', 'cast(inquiries as double)', 'double') }} as "Num_Credit_Inquiries",
        {{ dirty('credit_mix', 'credit_mix') }} as "Credit_Mix",
        {{ dirty('debt', 'debt') }} as "Outstanding_Debt",
        utilization as "Credit_Utilization_Ratio",
        concat(history_months // 12, ' Years and ', history_months % 12, ' Months')
            as "Credit_History_Age",
        {{ dirty('minimum', 'pays_minimum') }} as "Payment_of_Min_Amount",
        {{ dirty('emi', 'emi', 'double') }} as "Total_EMI_per_month",
        {{ dirty('invested', 'invested') }} as "Amount_invested_monthly",
        {{ dirty('behaviour', 'behaviour') }} as "Payment_Behaviour",
        if(
            customer_no % {{ LOST_BALANCE_AT[0] }} = {{ LOST_BALANCE_AT[1] }},
            '{{ LOST_BALANCE }}',
            cast(left_over - invested as varchar)
        ) as "Monthly_Balance",
        snapshot_date,
        customer_no,
        epoch(snapshot_date) as position,
        fate
    from budgets
