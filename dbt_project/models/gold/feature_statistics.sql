{#-
    How the values of each feature are distributed, and how well they alone tell defaults from other
    loans out of time: on the test split, whose loans no threshold, bin or model has seen.
-#}
{%- set features = catalogued_features() | map(attribute='name') | list -%}
{%- set type_of = adapter.dispatch('type_of') -%}

with feature_store as (
    select * from {{ ref('feature_store') }}
),

labels as (
    {{ default_labels() }}
),

sample as (
    select loan_id from {{ sampled_applications() }}
),

loans as (
    select
        feature_store.*,
        case when labels.split = 'test' then labels.label end as test_label
    from feature_store
    inner join sample on feature_store.loan_id = sample.loan_id
    left join labels on feature_store.loan_id = labels.loan_id
),

known_values as (
    {{ feature_numbers('loans', ['test_label']) }}
),

-- rounded, because the last digits of a sum of doubles hang on the order of its rows
distributions as (
    select
        feature_number,
        round(avg(value), 6) as mean,
        round(stddev_samp(value), 6) as sd,
        min(value) as minimum,
        percentile_disc(0.5) within group (order by value) as median,
        max(value) as maximum
    from known_values
    group by feature_number
),

ranked as (
    select
        feature_number,
        value,
        test_label,
        rank() over (partition by feature_number order by value) as lowest_rank
    from known_values
    where test_label is not null
),

-- loans of one value share the middle of their ranks
test_values as (
    select
        feature_number,
        count(*) as loans,
        sum(test_label) as defaults,
        min(lowest_rank) + (count(*) - 1) / 2 as mid_rank
    from ranked
    group by feature_number, value
),

test_counts as (
    select
        feature_number,
        cast(sum(loans) as bigint) as test_loans,
        sum(defaults) as test_defaults,
        sum(defaults * mid_rank) as rank_sum
    from test_values
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

types as (
    select * from (
        select
            {%- for name in features %}
            any_value({{ type_of(name) }}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from loans
    )
    unpivot (data_type for feature in ({{ features | join(', ') }}))
),

features as (
    {{ named_features() }}
),

feature_statistics as (
    select
        features.feature,
        types.data_type,
        distributions.mean,
        distributions.sd,
        distributions.minimum,
        distributions.median,
        distributions.maximum,
        coalesce(aucs.test_loans, 0) as auc_loans,
        aucs.auc
    from features
    left join types on features.feature = types.feature
    left join distributions on features.feature_number = distributions.feature_number
    left join aucs on features.feature_number = aucs.feature_number
)

select * from feature_statistics
order by feature
