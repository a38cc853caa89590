{#- The same loans in every month: labelled, and followed to the last month that half of them reach. -#}
with repayments as (
    select
        repayments.*,
        labels.label
    from {{ ref('loan_repayments') }} as repayments
    inner join {{ ref('label_store') }} as labels
        on
            repayments.loan_id = labels.loan_id
            and labels.label_definition = '{{ var('default_label') }}'
    where repayments.known_until is null
),

reached as (
    select
        mob,
        count(distinct loan_id) as loans
    from repayments
    group by mob
),

last_month as (
    select max(mob) as mob from reached
    where loans >= 0.5 * (select max(loans) from reached)
),

overdue_by_month_on_book as (
    select
        mob,
        count(*) as loans,
        sum(loan_amt) as lent_amt,
        sum(overdue_amt) as overdue_amt,
        coalesce(sum(overdue_amt) filter (where label = 1), 0) as overdue_of_defaults_amt
    from repayments
    where
        mob <= (select mob from last_month)
        and loan_id in (select loan_id from repayments where mob = (select mob from last_month))
    group by mob
)

select * from overdue_by_month_on_book
order by mob
