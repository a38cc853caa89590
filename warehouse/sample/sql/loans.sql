{# One row per loan and instalment date up to the horizon. #}
{# The instalments that a loan has paid by a month on book: #}
{% macro instalments_paid(mob) %}
case
                when {{ mob }} <= 0 then 0
                when defaults then default_path[least({{ mob }}, 5)]
                when {{ mob }} = slip_month then {{ mob }} - slip_size
                else {{ mob }}
            end
{%- endmacro %}
    with
    {% include 'customers.sql' %},
    loan_starts as (
        select
            *,
            unnest([first_loan_date, second_loan_date, third_loan_date]) as loan_start_date,
            unnest([1, 2, 3]) as loan_no
        from customers
    ),
    loans as (
        select
            *,
            customer_id || strftime(loan_start_date, '_%Y_%m_%d') as loan_id,
            {{ start(seed, "'loan'", 'customer_no', 'loan_no') }} as loan_state,
            case
                when loan_no = 1 then is_risky
                when is_risky then {{ draw('defaults', 'loan_state') }} < {{ LATER_DEFAULT_SHARE.risky }}
                else {{ draw('defaults', 'loan_state') }} < {{ LATER_DEFAULT_SHARE.sound }}
            end as defaults,
            [
                {% for path in DEFAULT_PATHS %}
                {{ path | list }}{{ ',' if not loop.last }}
                {% endfor %}
            ][{{ choice(numbered(DEFAULT_PATHS.values(), 1), draw('path', 'loan_state'), '1') }}] as default_path,
            if(
                {{ draw('slips', 'loan_state') }} < {{ SLIP_SHARE }},
                {{ whole(1, TENURE, 'slip month', 'loan_state') }},
                null
            ) as slip_month,
            if({{ draw('partial', 'loan_state') }} < {{ PARTIAL_SLIP_SHARE }}, 0.5, 1.0) as slip_size
        from loan_starts
        where loan_start_date is not null
    ),
    instalments as (
        select
            *,
            range as mob,
            cast(loan_start_date + to_months(cast(range as integer)) as date) as due_date,
            {{ start(seed, "'instalment'", 'customer_no', 'loan_no', 'range') }} as row_state
        from loans
        cross join range({{ TENURE + 1 }})
        where due_date <= date '{{ HORIZON }}'
    ),
    paid as (
        select
            *,
            {{ instalments_paid('mob') }} as paid_so_far,
            {{ instalments_paid('mob - 1') }} as paid_before
        from instalments
    )
    select
        loan_id,
        customer_id as "Customer_ID",
        loan_start_date,
        {{ TENURE }} as tenure,
        mob as installment_num,
        {{ TENURE * INSTALMENT }} as loan_amt,
        cast(if(mob = 0, 0, {{ INSTALMENT }}) as double) as due_amt,
        cast({{ INSTALMENT }} * (paid_so_far - paid_before) as double) as paid_amt,
        cast({{ INSTALMENT }} * (mob - paid_so_far) as double) as overdue_amt,
        cast({{ INSTALMENT }} * ({{ TENURE }} - paid_so_far) as double) as balance,
        due_date as snapshot_date,
        customer_no,
        loan_no * 100 + mob as position,
        if(mob = 0, 'kept', {{ fate_of(MONTHLY_FATES, draw('fate', 'row_state')) }}) as fate,
        -- A first version that is put right later: a payment not yet booked, or one sent back.
        cast(if(paid_amt > 0, -paid_amt, due_amt) as double) as misbooked
    from paid
