with drift as (
    select * from {{ ref('feature_drift') }}
),

catalog as (
    select * from {{ ref('feature_catalog') }}
),

drift_summary as (
    select
        catalog.feature_group,
        drift.application_month,
        count(*) as features,
        count(*) filter (where drift.is_drifted) as drifted,
        count(*) filter (where drift.is_drifted and drift.null_rate > 0.5) as mostly_unknown
    from drift
    inner join catalog on drift.feature = catalog.feature
    group by catalog.feature_group, drift.application_month
)

select * from drift_summary
order by feature_group, application_month
