-- Why: every label follows from days_past_due. Stated a second time, from the amounts to the days,
-- for the rows of months in which an instalment was due.
with checked as (
    select
        loan_id,
        snapshot_date,
        overdue_amt,
        due_amt,
        installments_missed,
        first_missed_date,
        days_past_due,
        is_marginal,
        overdue_amt <> 0 or (installments_missed = 0 and days_past_due = 0) as is_zero_when_paid,
        installments_missed = 0
        or due_amt = 0
        or (
            overdue_amt > due_amt * (installments_missed - 1)
            and overdue_amt - {{ var('overdue_tolerance') }} <= due_amt * installments_missed
        ) as covers_what_is_overdue,
        (coalesce(installments_missed, 0) > 0) = (first_missed_date is not null)
        as has_date_when_missed,
        (installments_missed is null) = (days_past_due is null)
        and (installments_missed is null) = (is_marginal is null) as is_known_together,
        days_past_due = coalesce({{ days_between('first_missed_date', 'snapshot_date') }}, 0)
        as is_difference_of_dates
    from {{ ref('loan_repayments') }}
)

select * from checked
where not (
    coalesce(is_zero_when_paid, true)
    and coalesce(covers_what_is_overdue, true)
    and has_date_when_missed
    and is_known_together
    and coalesce(is_difference_of_dates, true)
)
