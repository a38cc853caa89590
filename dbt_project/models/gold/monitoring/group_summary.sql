with catalog as (
    select * from {{ ref('feature_catalog') }}
),

group_summary as (
    select
        feature_group,
        any_value(source) as source,
        any_value(point_in_time_rule) as point_in_time_rule,
        count(*) as features,
        avg(null_rate) as null_rate,
        arg_max(feature, abs(auc - 0.5)) as best_feature,
        max(abs(auc - 0.5)) + 0.5 as best_strength,
        max(information_value) as best_information_value
    from catalog
    group by feature_group
)

select * from group_summary
order by feature_group
