{%- set repayments_source = source_of('loan_repayments') -%}
{%- set delay_days = source_meta(repayments_source, 'delay_days') -%}

with applications as (
    select * from {{ ref('loan_applications') }}
),

definitions as (
    select * from {{ ref('label_definitions') }}
),

-- an outcome is a fact, not a belief: the latest version of each row. known_on: the first day whose
-- midnight is on or after known_from (a row known at midnight is known on that day)
repayments as (
    select
        *,
        cast(known_from + interval '1' day - interval '1' microsecond as date) as known_on
    from {{ ref('loan_repayments') }}
    where known_until is null
),

horizon as (
    select max(watermark) as horizon_date
    from {{ ref('watermarks') }}
    where source = '{{ repayments_source }}'
),

loans as (
    select
        loan_id,
        max(snapshot_date) as last_row_date,
        max_by(mob, snapshot_date) as last_mob,
        max_by(coalesce(days_past_due, -1), snapshot_date) as last_days_past_due,
        max(tenure) as tenure
    from repayments
    group by loan_id
),

-- instalments in step with the calendar never went back, so only the other loans are looked at
irregular_loans as (
    select repayments.loan_id
    from repayments
    inner join applications on repayments.loan_id = applications.loan_id
    group by repayments.loan_id
    having
        max(repayments.tenure) > min(repayments.tenure)
        or bool_or(
            repayments.mob
            <> {{ months_between('applications.application_date', 'repayments.snapshot_date') }}
        )
),

compared_rows as (
    select
        loan_id,
        snapshot_date,
        mob,
        tenure,
        max(mob) over earlier_rows as highest_mob_before,
        max(tenure) over earlier_rows as tenure_before
    from repayments
    where loan_id in (select loan_id from irregular_loans)
    window earlier_rows as (
        partition by loan_id order by snapshot_date
        rows between unbounded preceding and 1 preceding
    )
),

-- from this day on the instalments are those of another agreement
reschedulings as (
    select
        loan_id,
        min(snapshot_date) as rescheduled_on
    from compared_rows
    where mob < highest_mob_before or tenure <> tenure_before
    group by loan_id
),

agreed_rows as (
    select
        repayments.*,
        applications.application_date
    from repayments
    inner join applications on repayments.loan_id = applications.loan_id
    left join reschedulings on repayments.loan_id = reschedulings.loan_id
    where
        repayments.mob > 0
        and repayments.snapshot_date > applications.application_date
        and (
            reschedulings.rescheduled_on is null
            or repayments.snapshot_date < reschedulings.rescheduled_on
        )
),

-- nearly no month was reported twice: what is small is joined
repeated_months as (
    select
        loan_id,
        mob,
        min(snapshot_date) as first_snapshot_date
    from agreed_rows
    group by loan_id, mob
    having count(*) > 1
),

-- a month on book is read on its first snapshot, so that a later row cannot change a label
months as (
    select agreed_rows.*
    from agreed_rows
    left join repeated_months
        on
            agreed_rows.loan_id = repeated_months.loan_id
            and agreed_rows.mob = repeated_months.mob
    where
        agreed_rows.snapshot_date
        = coalesce(repeated_months.first_snapshot_date, agreed_rows.snapshot_date)
),

-- repaid in full and nothing owed: good from that day on
repaid_loans as (
    select
        loan_id,
        min(mob) as repaid_mob
    from months
    where balance = 0 and days_past_due = 0
    group by loan_id
),

windows as (
    select
        applications.loan_id,
        applications.customer_id,
        applications.application_date,
        definitions.label_definition,
        definitions.min_days_past_due,
        definitions.months_on_book,
        definitions.observed,
        loans.last_row_date,
        loans.last_mob,
        loans.last_days_past_due,
        loans.tenure,
        reschedulings.rescheduled_on,
        horizon.horizon_date,
        {{ months_later('applications.application_date', 'definitions.months_on_book') }}
            as window_ends_on,
        -- the last month that is needed
        least(
            definitions.months_on_book,
            coalesce(repaid_loans.repaid_mob, definitions.months_on_book)
        ) as last_month
    from applications
    cross join definitions
    cross join horizon
    left join loans on applications.loan_id = loans.loan_id
    left join reschedulings on applications.loan_id = reschedulings.loan_id
    left join repaid_loans on applications.loan_id = repaid_loans.loan_id
),

window_months as (
    select
        windows.loan_id,
        windows.label_definition,
        months.mob = windows.last_month as is_last_month,
        months.days_past_due >= windows.min_days_past_due as is_default,
        -- a default only for less than marginal_share of an instalment
        months.is_marginal
        and {{ days_between(months_later('months.first_missed_date', 1), 'months.snapshot_date') }}
        < windows.min_days_past_due as is_marginal,
        months.days_past_due,
        months.snapshot_date,
        months.known_on
    from windows
    inner join months
        on
            windows.loan_id = months.loan_id
            and (
                windows.last_month = months.mob
                or (windows.observed = 'ever_within' and windows.last_month > months.mob)
            )
),

-- a default is certain from the first row that was known to show one, whatever month is missing
observed as (
    select
        loan_id,
        label_definition,
        count(*) as months_seen,
        count(days_past_due) as months_known,
        bool_or(is_last_month) as has_last_month,
        max(days_past_due) as days_past_due,
        max(snapshot_date) as last_date,
        max(known_on) as known_on,
        min_by(snapshot_date, (known_on, snapshot_date)) filter (where is_default) as default_date,
        min_by(days_past_due, (known_on, snapshot_date)) filter (where is_default)
            as default_days_past_due,
        min_by(is_marginal, (known_on, snapshot_date)) filter (where is_default)
            as default_is_marginal,
        min(known_on) filter (where is_default) as default_known_on
    from window_months
    group by loan_id, label_definition
),

judged as (
    select
        windows.*,
        coalesce(observed.default_date, observed.last_date) as decided_on,
        coalesce(observed.default_known_on, observed.known_on) as decision_known_on,
        coalesce(observed.default_days_past_due, observed.days_past_due) as days_past_due,
        coalesce(observed.default_is_marginal, false) as is_marginal,
        case
            when observed.default_date is not null then 'closed'
            when
                observed.months_known
                = case windows.observed when 'at_month' then 1 else windows.last_month end
                then case
                    when windows.last_month < windows.months_on_book then 'repaid_early'
                    else 'closed'
                end
            when windows.rescheduled_on <= windows.window_ends_on then 'rescheduled'
            when
                observed.months_seen
                = case windows.observed when 'at_month' then 1 else windows.last_month end
                then 'days_past_due_unknown'
            when observed.has_last_month then 'missing_repayment_month'
            when coalesce(windows.horizon_date <= windows.window_ends_on, true) then 'open'
            when windows.last_row_date >= windows.window_ends_on then 'missing_repayment_month'
            when windows.last_days_past_due > 0 then 'stopped_past_due'
            when windows.last_mob >= windows.tenure then 'term_shorter_than_window'
            else 'missing_repayment_month'
        end as maturity
    from windows
    left join observed
        on
            windows.loan_id = observed.loan_id
            and windows.label_definition = observed.label_definition
),

-- a month that was corrected since: the current label was known with the correction
corrected as (
    select
        judged.loan_id,
        judged.label_definition,
        max(repayments.known_on) as known_on
    from judged
    inner join repayments
        on
            judged.loan_id = repayments.loan_id
            and judged.decided_on >= repayments.snapshot_date
    where repayments.arrival = 'correction'
    group by judged.loan_id, judged.label_definition
),

dated as (
    select
        judged.*,
        judged.maturity in ('closed', 'repaid_early') as is_closed,
        greatest(judged.decision_known_on, coalesce(corrected.known_on, judged.decision_known_on))
            as label_known_on
    from judged
    left join corrected
        on
            judged.loan_id = corrected.loan_id
            and judged.label_definition = corrected.label_definition
),

label_maturity as (
    select
        loan_id,
        customer_id,
        application_date,
        label_definition,
        maturity,
        is_closed,
        window_ends_on,
        case when is_closed then decided_on when maturity = 'open' then window_ends_on end
            as matures_on,
        case
            when is_closed then label_known_on
            when maturity = 'open' then cast({{ plus_days('window_ends_on', delay_days) }} as date)
        end as known_on,
        case when is_closed then days_past_due end as days_past_due,
        case when is_closed then cast(days_past_due >= min_days_past_due as integer) end as label,
        case when is_closed then is_marginal end as is_marginal
    from dated
)

select * from label_maturity
order by label_definition, loan_id
