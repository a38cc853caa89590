{# CTEs. snapshots: one row per customer and day on which `source` saw them, up to the horizon. #}
{% macro happens(what) %}{{ draw(source ~ ' ' ~ what) }} < {{ SNAPSHOT_SHARE[what] }}{% endmacro %}
{% macro months(low, high, what) %}to_months({{ whole(low, high, source ~ ' months ' ~ what) }}){% endmacro %}
{% include 'customers.sql' %},
    seen as (
        select
            *,
            {{ happens('unseen') }} as is_unseen,
            -- Further snapshots before and after are of the 15th, so that no two fall on one day.
            [
                if(
                    {{ happens('early') }},
                    first_loan_date - {{ whole(3, 25, source ~ ' days early') }},
                    first_loan_date
                ),
                cast(first_loan_date - {{ months(2, 8, 'before') }} + to_days(14) as date),
                cast(first_loan_date + {{ months(1, 9, 'after') }} + to_days(14) as date),
                second_loan_date,
                third_loan_date
            ] as dates,
            [
                not is_unseen,
                {{ happens('before') }} and not is_unseen,
                {{ happens('after') }} or is_unseen,
                {{ happens('again') }},
                {{ happens('again') }}
            ] as is_taken
        from customers
        where {{ draw('no ' ~ source) }} >= {{ absent_share }}
    ),
    slots as (
        select
            *,
            unnest([0, 1, 2, 3, 4]) as slot,
            unnest(dates) as snapshot_date,
            unnest(is_taken) as is_seen
        from seen
    ),
    snapshots as (
        select
            *,
            {{ start(seed, text(source), 'customer_no', 'slot') }} as row_state,
            -- Steps of the golden ratio: every fate gets its share even of a few rows.
            (customer_no * 618034 + slot * 414214 + {{ crc32(source) % 1000000 }}) % 1000000 / 1e6 as turn,
            {{ fate_of(PROFILE_FATES, 'turn') }} as fate,
            slots.snapshot_date - slots.first_loan_date as days_since
        from slots
        where is_seen and slots.snapshot_date <= date '{{ HORIZON }}'
    )
