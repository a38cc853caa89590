{#-
    One defaulted loan with clickstream months before and after its application: of the loans with
    at least six on both sides the first by id that has about a year before. No id is kept.
-#}
with labels as (
    select * from {{ ref('label_store') }}
    where label_definition = '{{ var('default_label') }}' and label = 1
),

clickstream as (
    select * from {{ ref('clickstream') }}
    where known_until is null
),

counted as (
    select
        labels.loan_id,
        any_value(labels.customer_id) as customer_id,
        any_value(labels.application_date) as application_date,
        any_value(labels.label_date) as label_date,
        count(*) filter (where clickstream.snapshot_date <= labels.application_date) as months_before,
        count(*) filter (where clickstream.snapshot_date > labels.application_date) as months_after
    from labels
    inner join clickstream on labels.customer_id = clickstream.customer_id
    group by labels.loan_id
),

chosen as (
    select * from counted
    where months_before between 6 and 14 and months_after >= 6
    order by abs(months_before - 12), loan_id
    limit 1
),

features as (
    select feature_store.* from {{ ref('feature_store') }} as feature_store
    inner join chosen on feature_store.loan_id = chosen.loan_id
),

events as (
    select 'application' as series, application_date as event_date, cast(null as double) as value
    from chosen
    union all
    select 'label' as series, label_date as event_date, cast(null as double) as value
    from chosen
    {%- for group in ['attributes', 'financials'] %}
    union all
    select '{{ group }}' as series, {{ group }}_snapshot_date as event_date, cast(null as double) as value
    from features
    where {{ group }}_snapshot_date is not null
    {%- endfor %}
    union all
    select
        'clickstream' as series,
        clickstream.snapshot_date as event_date,
        cast(clickstream.fe_10 as double) as value
    from clickstream
    inner join chosen on clickstream.customer_id = chosen.customer_id
    union all
    select 'clickstream_mean' as series, clickstream_snapshot_date, fe_10_mean_all
    from features
    union all
    select
        'days_past_due' as series,
        repayments.snapshot_date as event_date,
        cast(repayments.days_past_due as double) as value
    from {{ ref('loan_repayments') }} as repayments
    inner join chosen on repayments.loan_id = chosen.loan_id
    where repayments.known_until is null
),

example_loan as (
    select
        events.series,
        events.event_date,
        events.value,
        events.event_date <= chosen.application_date as is_known
    from events
    cross join chosen
)

select * from example_loan
order by series, event_date
