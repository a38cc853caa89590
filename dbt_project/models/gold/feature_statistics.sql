{#-
    How each feature is distributed, and how well it alone tells defaults from other loans out of
    time: on the test split, whose loans no threshold, bin or model has seen.
-#}
{%- set features = catalogued_features() | map(attribute='name') | list -%}

with feature_store as (
    select * from {{ ref('feature_store') }}
),

training_set as (
    select * from {{ ref('training_set') }}
),

sample as (
    select loan_id from {{ sampled_applications() }}
),

bins as (
    select * from {{ ref('feature_bins') }}
),

loans as (
    select
        feature_store.*,
        case when training_set.split = 'test' then training_set.label end as test_label
    from feature_store
    inner join sample on feature_store.loan_id = sample.loan_id
    left join training_set on feature_store.loan_id = training_set.loan_id
),

numbers as (
    select
        test_label,
        {%- for name in features %}
        {{ number_of_feature(name) }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from loans
),

known_values as (
    select * from numbers
    unpivot (value for feature in ({{ features | join(', ') }}))
),

-- rounded, because the last digits of a sum of doubles hang on the order of its rows
distributions as (
    select
        feature,
        round(avg(value), 6) as mean,
        round(stddev_samp(value), 6) as sd,
        min(value) as minimum,
        percentile_disc(0.5) within group (order by value) as median,
        max(value) as maximum
    from known_values
    group by feature
),

test_values as (
    select
        feature,
        value,
        count(*) as loans,
        sum(test_label) as defaults
    from known_values
    where test_label is not null
    group by feature, value
),

-- loans of one value share the middle of their ranks
ranked as (
    select
        feature,
        loans,
        defaults,
        sum(loans) over (partition by feature order by value rows unbounded preceding)
        - (loans - 1) / 2 as mid_rank
    from test_values
),

test_counts as (
    select
        feature,
        cast(sum(loans) as bigint) as test_loans,
        sum(defaults) as test_defaults,
        sum(defaults * mid_rank) as rank_sum
    from ranked
    group by feature
),

-- Mann-Whitney: how often a default has the higher value, ties counting half
aucs as (
    select
        feature,
        test_loans,
        (rank_sum - test_defaults * (test_defaults + 1) / 2)
        / nullif(test_defaults * (test_loans - test_defaults), 0) as auc
    from test_counts
),

test_bins as (
    select
        feature,
        bin,
        sum(test_defaults) + 0.5e0 as defaults,
        sum(test_loans - test_defaults) + 0.5e0 as others
    from bins
    group by feature, bin
),

test_shares as (
    select
        feature,
        defaults / sum(defaults) over (partition by feature) as default_share,
        others / sum(others) over (partition by feature) as other_share
    from test_bins
),

information_values as (
    select
        feature,
        round(sum((default_share - other_share) * ln(default_share / other_share)), 6)
            as information_value
    from test_shares
    group by feature
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

top_values as (
    select
        bins.feature,
        max_by(bins.bin, (bins.loans, bins.bin)) as top_value,
        max(bins.loans) as top_value_loans
    from (
        select
            feature,
            bin,
            sum(loans) as loans
        from bins
        where bin <> 'unknown'
        group by feature, bin
    ) as bins
    inner join types on bins.feature = types.feature
    where types.data_type = 'varchar'
    group by bins.feature
),

totals as (
    select
        feature,
        cast(sum(loans) as bigint) as loans,
        cast(sum(loans) filter (where bin = 'unknown') as bigint) as unknown_loans,
        cast(sum(test_defaults) as bigint) as test_defaults
    from bins
    group by feature
),

feature_statistics as (
    select
        totals.feature,
        types.data_type,
        totals.loans,
        coalesce(totals.unknown_loans, 0) / totals.loans as null_rate,
        distributions.mean,
        distributions.sd,
        distributions.minimum,
        distributions.median,
        distributions.maximum,
        top_values.top_value,
        top_values.top_value_loans / totals.loans as top_value_share,
        coalesce(aucs.test_loans, 0) as auc_loans,
        aucs.auc,
        -- without a default in the test split no bin says anything
        case when totals.test_defaults > 0 then information_values.information_value end
            as information_value
    from totals
    inner join information_values on totals.feature = information_values.feature
    left join types on totals.feature = types.feature
    left join distributions on totals.feature = distributions.feature
    left join aucs on totals.feature = aucs.feature
    left join top_values on totals.feature = top_values.feature
)

select * from feature_statistics
order by feature
