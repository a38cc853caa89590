{# CTEs. customers: one row per customer of a block: who they are and when they borrow. #}
    numbered as (
        select
            range as customer_no,
            {{ start(seed, "'customer'", 'range') }} as customer_state
        from range({{ customers.start }}, {{ customers.stop }})
    ),
    borrowers as (
        select
            *,
            -- Ids are as thinly spread as real ones; the middle term keeps them apart.
            'CUS_0x' || lower(hex(1000 + customer_no * 4 + {{ whole(0, 3, 'id') }})) as customer_id,
            {{ draw('risk') }} < {{ RISKY_SHARE }} as is_risky,
            if(
                is_risky,
                {{ choice(numbered(KIND_SHARES.risky), draw('kind'), '5') }},
                {{ choice(numbered(KIND_SHARES.sound), draw('kind'), '5') }}
            ) as kind_no,
            {{ whole(0, LOAN_MONTHS - 1, 'first loan') }} as first_loan_month,
            {{ draw('second loan') }} < if(
                is_risky, {{ SECOND_LOAN_SHARE.risky }}, {{ SECOND_LOAN_SHARE.sound }}
            ) as borrows_twice,
            borrows_twice and {{ draw('third loan') }} < {{ THIRD_LOAN_SHARE }} as borrows_thrice,
            first_loan_month + {{ whole(3, 15, 'second gap') }} as second_month,
            second_month + {{ whole(3, 12, 'third gap') }} as third_month,
            if(
                borrows_twice and second_month < {{ LOAN_MONTHS }}, second_month, null
            ) as second_loan_month,
            if(
                borrows_thrice and third_month < {{ LOAN_MONTHS }}, third_month, null
            ) as third_loan_month
        from numbered
    ),
    customers as (
        select
            *,
            {{ month_start('first_loan_month') }} as first_loan_date,
            {{ month_start('second_loan_month') }} as second_loan_date,
            {{ month_start('third_loan_month') }} as third_loan_date
        from borrowers
    )
