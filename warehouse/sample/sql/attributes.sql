{# One row per customer and snapshot of the profile. #}
{% set source = 'attributes' %}
{% set absent_share = NO_ATTRIBUTES_SHARE %}
    with
    {% include 'snapshots.sql' %},
    named as (
        select
            *,
            {{ one_of(FIRST_NAMES, 'first name') }} as first_name,
            {{ one_of(LAST_NAMES, 'last name') }} as last_name,
            substr('abcdefghijklmnopqrstuvwxyz', {{ whole(1, 26, 'stray letter') }}, 1) as stray,
            along({{ draw('age') }}, kind.age_range) + days_since / 365.25 as years,
            if(
                slot >= 2 and {{ draw('changes', 'row_state') }} < {{ OCCUPATION_CHANGE_SHARE }},
                {{ one_of(OCCUPATIONS, 'occupation', 'row_state') }},
                {{ one_of(OCCUPATIONS, 'occupation') }}
            ) as occupation,
            -- Group numbers 01 .. 49 after a first digit 9 were never issued, not even to tax payers
            -- without a social security number.
            printf(
                '9%02d-%02d-%04d',
                {{ whole(0, 99, 'ssn 1') }}, {{ whole(1, 49, 'ssn 2') }}, {{ whole(1, 9999, 'ssn 3') }}
            ) as ssn
        from snapshots
        inner join kinds as kind on snapshots.kind_no = kind.kind_no
    )
    select
        customer_id as "Customer_ID",
        case
            when {{ draw('odd name') }} < {{ COMMA_NAME_SHARE }} then ', ' || last_name || stray
            when {{ draw('odd name') }} < {{ COMMA_NAME_SHARE + QUOTED_NAME_SHARE }}
                then last_name || '"' || stray
            when {{ draw('full name') }} < 0.4 then first_name || ' ' || last_name || stray
            else last_name || stray
        end as "Name",
        {{ dirty('age', within(AGES, 'cast(floor(years) as integer)')) }} as "Age",
        {{ dirty('ssn', 'ssn') }} as "SSN",
        {{ dirty('occupation', 'occupation') }} as "Occupation",
        snapshot_date,
        customer_no,
        epoch(snapshot_date) as position,
        fate
    from named
