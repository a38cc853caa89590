-- Why: a label that is missing must be missing for a reason. A closed window has its day, its days
-- past due and its label; one that is not closed has no label, and only an open one has a day.
with checked as (
    select
        *,
        maturity in (
            'closed', 'open', 'missing_repayment_month', 'days_past_due_unknown',
            'term_shorter_than_window'
        ) as is_explained,
        is_closed = (maturity = 'closed') as is_closed_right,
        (label is not null) = is_closed as has_label_when_closed,
        (days_past_due is not null) = is_closed as has_days_when_closed,
        (matures_on is not null) = (maturity in ('closed', 'open')) as has_day_when_known,
        matures_on is null or matures_on > application_date as is_after_application
    from {{ ref('label_maturity') }}
)

select * from checked
where not coalesce(
    is_explained
    and is_closed_right
    and has_label_when_closed
    and has_days_when_closed
    and has_day_when_known
    and is_after_application,
    false
)
