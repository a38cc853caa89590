{#-
    How well the values of each feature alone tell defaults from other loans out of time: on the test
    split, whose loans no threshold, bin or model has seen.
-#}
with training_set as (
    select * from {{ ref('training_set') }}
),

sample as (
    select loan_id from {{ sampled_applications() }}
),

test_loans as (
    select training_set.*
    from training_set
    inner join sample on training_set.loan_id = sample.loan_id
    where training_set.split = 'test'
),

known_values as (
    {{ feature_values('test_loans', ['label']) }}
),

-- loans of one value share the middle of their ranks, half of the lowest and the highest of them
ranked as (
    select
        feature_number,
        label,
        rank() over (partition by feature_number order by value) as lowest_rank,
        count(*) over (partition by feature_number order by value) as highest_rank
    from known_values
),

test_counts as (
    select
        feature_number,
        count(*) as test_loans,
        sum(label) as test_defaults,
        sum(label * (lowest_rank + highest_rank)) / 2 as rank_sum
    from ranked
    group by feature_number
),

-- Mann-Whitney: how often a default has the higher value, ties counting half
aucs as (
    select
        feature_number,
        test_loans,
        (rank_sum - test_defaults * (test_defaults + 1) / 2)
        / nullif(test_defaults * (test_loans - test_defaults), 0) as auc
    from test_counts
),

features as (
    {{ named_features() }}
),

feature_aucs as (
    select
        features.feature,
        coalesce(aucs.test_loans, 0) as auc_loans,
        aucs.auc,
        coalesce(
            abs(aucs.auc - 0.5) + 0.5 > {{ var('leak_auc') }}
            and aucs.test_loans >= {{ var('leak_min_loans') }},
            false
        ) as is_suspicious
    from features
    left join aucs on features.feature_number = aucs.feature_number
)

select * from feature_aucs
order by feature
