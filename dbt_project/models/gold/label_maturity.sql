with applications as (
    select * from {{ ref('loan_applications') }}
),

definitions as (
    select * from {{ ref('label_definitions') }}
),

repayments as (
    select * from {{ ref('loan_repayments') }}
    where known_until is null
),

-- nearly no month was reported twice: what is small is joined
repeated_months as (
    select
        loan_id,
        mob,
        min(snapshot_date) as first_snapshot_date
    from repayments
    where mob > 0
    group by loan_id, mob
    having count(*) > 1
),

-- a month on book is read on its first snapshot, so that a later row cannot change a label
months as (
    select
        repayments.loan_id,
        repayments.mob,
        repayments.snapshot_date,
        repayments.days_past_due
    from repayments
    left join repeated_months
        on repayments.loan_id = repeated_months.loan_id and repayments.mob = repeated_months.mob
    where
        repayments.mob > 0
        and repayments.snapshot_date
        = coalesce(repeated_months.first_snapshot_date, repayments.snapshot_date)
),

terms as (
    select
        loan_id,
        max(tenure) as tenure
    from repayments
    group by loan_id
),

horizon as (
    select max(snapshot_date) as last_snapshot_date
    from repayments
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
        terms.tenure,
        horizon.last_snapshot_date,
        {{ plus_months('applications.application_date', 'definitions.months_on_book') }} as due_date
    from applications
    cross join definitions
    cross join horizon
    left join terms on applications.loan_id = terms.loan_id
),

observed as (
    select
        months.loan_id,
        definitions.label_definition,
        count(*) as months_seen,
        count(months.days_past_due) as months_known,
        max(months.days_past_due) as days_past_due,
        max(months.snapshot_date) as last_seen_date,
        max(months.snapshot_date) filter (where months.mob = definitions.months_on_book) as label_date
    from months
    inner join applications
        on
            months.loan_id = applications.loan_id
            and months.snapshot_date > applications.application_date
    inner join definitions
        on
            months.mob = definitions.months_on_book
            or (definitions.observed = 'ever_within' and months.mob < definitions.months_on_book)
    group by months.loan_id, definitions.label_definition
),

judged as (
    select
        windows.loan_id,
        windows.customer_id,
        windows.application_date,
        windows.label_definition,
        windows.min_days_past_due,
        windows.due_date,
        observed.last_seen_date,
        observed.days_past_due,
        case
            when
                observed.label_date is not null
                and observed.months_known = case windows.observed when 'at_month' then 1 else windows.months_on_book end
                then 'closed'
            when windows.tenure < windows.months_on_book then 'term_shorter_than_window'
            when
                observed.label_date is not null and observed.months_seen
                = case windows.observed when 'at_month' then 1 else windows.months_on_book end
                then 'days_past_due_unknown'
            when observed.label_date is not null or windows.last_snapshot_date > windows.due_date
                then 'missing_repayment_month'
            else 'open'
        end as maturity
    from windows
    left join observed
        on
            windows.loan_id = observed.loan_id
            and windows.label_definition = observed.label_definition
),

dated as (
    select
        *,
        -- the last month is not the last row where an earlier month was reported after it
        case maturity when 'closed' then last_seen_date when 'open' then due_date end as matures_on
    from judged
),

label_maturity as (
    select
        loan_id,
        customer_id,
        application_date,
        label_definition,
        maturity,
        maturity = 'closed' as is_closed,
        matures_on,
        cast({{ label_known_on('matures_on') }} as date) as known_on,
        case when maturity = 'closed' then days_past_due end as days_past_due,
        case when maturity = 'closed' then cast(days_past_due >= min_days_past_due as integer) end as label
    from dated
)

select * from label_maturity
order by label_definition, loan_id
