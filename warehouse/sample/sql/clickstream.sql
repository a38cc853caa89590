{# One row per customer with an early enough loan and month. #}
    with
    {% include 'customers.sql' %},
    customer_months as (
        select
            customer_no,
            customer_state,
            customer_id,
            is_risky,
            range as month_no,
            {{ start(seed, "'month'", 'customer_no', 'range') }} as row_state,
            if(
                {{ draw('newcomer') }} < {{ NEWCOMER_SHARE }}, {{ whole(1, 12, 'first month') }}, 0
            ) as first_month_no,
            {{ draw('gappy') }} < {{ GAPPY_SHARE }}
                and {{ draw('gap', 'row_state') }} < {{ GAP_SHARE }} as is_gap
        from range({{ months.start }}, {{ months.stop }})
        cross join customers
        where
            first_loan_month < {{ CLICKSTREAM_LOAN_MONTHS }}
            and {{ draw('no clickstream') }} >= {{ NO_CLICKSTREAM_SHARE }}
    ),
    arrived as (
        select *, {{ fate_of(MONTHLY_FATES, draw('fate', 'row_state')) }} as fate
        from customer_months
        where month_no >= first_month_no and not is_gap
    ),
    -- Two independent normal numbers from two even ones, after Box and Muller.
    waves as (
        select
            *,
            {% for pair in range(1, 11) %}
            {{ COUNTER_SD }} * sqrt(-2 * ln({{ draw('radius ' ~ pair, 'row_state') }})) as radius_{{ pair }},
            2 * pi() * {{ draw('angle ' ~ pair, 'row_state') }} as angle_{{ pair }},
            {% endfor %}
        from arrived
    )
    select
        {% for number in range(1, 21) %}
        {% set pair, wave = (number + 1) // 2, 'sin' if number % 2 == 0 else 'cos' %}
        {% if number <= 5 %}
        {% set shift = 'if(is_risky, ' ~ COUNTER_STEP * number ~ ', 0)' %}
        {% elif number <= 10 %}
        {% set shift = 'if(is_risky, 0, ' ~ COUNTER_STEP * (number - 5) ~ ')' %}
        {% else %}
        {% set shift = 0 %}
        {% endif %}
        cast(round({{ COUNTER_MEAN }} + {{ shift }} + radius_{{ pair }} * {{ wave }}(angle_{{ pair }})) as integer)
            as fe_{{ number }},
        {% endfor %}
        customer_id as "Customer_ID",
        {{ month_start('month_no') }} as snapshot_date,
        customer_no,
        month_no as position,
        fate
    from waves
