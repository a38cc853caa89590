-- Why: every label hangs on days_past_due. Stated a second time, from the amounts to the days.
with checked as (
    select
        loan_id,
        snapshot_date,
        overdue_amt,
        due_amt,
        installments_missed,
        first_missed_date,
        days_past_due,
        overdue_amt <> 0 or (installments_missed = 0 and days_past_due = 0) as is_zero_when_paid,
        installments_missed is null or installments_missed = 0
            or (
                overdue_amt > due_amt * (installments_missed - 1)
                and overdue_amt <= due_amt * installments_missed
            ) as covers_what_is_overdue,
        (coalesce(installments_missed, 0) > 0) = (first_missed_date is not null)
            as has_date_when_missed,
        (installments_missed is null) = (days_past_due is null) as is_known_together,
        first_missed_date is null or days_past_due = {{ days_between('first_missed_date', 'snapshot_date') }}
            as is_difference_of_dates
    from {{ ref('loan_repayments') }}
)

select * from checked
where not (
    coalesce(is_zero_when_paid, true)
    and covers_what_is_overdue
    and has_date_when_missed
    and is_known_together
    and is_difference_of_dates
)
