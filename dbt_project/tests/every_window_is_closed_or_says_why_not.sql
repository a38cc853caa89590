-- Why: a label that is missing must be missing for a reason. A decided window has its day, its days
-- past due and its label; one that is not has no label, and only an open one has a day.
with checked as (
    select
        *,
        maturity in ('{{ var('reasons').maturity | join("', '") }}') as is_explained,
        is_closed = (maturity in ('closed', 'repaid_early')) as is_closed_right,
        (label is not null) = is_closed as has_label_when_closed,
        (days_past_due is not null) = is_closed as has_days_when_closed,
        (is_marginal is not null) = is_closed as has_margin_when_closed,
        (matures_on is not null) = (is_closed or maturity = 'open') as has_day_when_known,
        (matures_on is null) = (known_on is null) as is_known_some_day,
        coalesce(known_on >= matures_on, true) as is_not_known_before,
        matures_on is null or matures_on > application_date as is_after_application
    from {{ ref('label_maturity') }}
)

select * from checked
where not coalesce(
    is_explained
    and is_closed_right
    and has_label_when_closed
    and has_days_when_closed
    and has_margin_when_closed
    and has_day_when_known
    and is_known_some_day
    and is_not_known_before
    and is_after_application,
    false
)
