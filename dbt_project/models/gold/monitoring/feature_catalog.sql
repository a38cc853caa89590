{#-
    The description of a feature comes from the yml of its group's model, or from the pattern that names it, by
    dbt's graph; how it behaves is counted.
-#}
{%- set no_uses = dbt.array_construct([], dbt.type_string()) -%}

with bins as (
    select * from {{ ref('feature_bins') }}
),

aucs as (
    select * from {{ ref('feature_aucs') }}
),

drift as (
    select * from {{ ref('feature_drift') }}
),

groups as (
    select * from (values
        ('application', '{{ source_of('loan_repayments') }}', '{{ rule_in_words('application') }}')
        {%- for group, source in feature_groups().items() %},
        ('{{ group }}', '{{ source }}', {{ sql_text(rule_in_words(group)) }})
        {%- endfor %}
    ) as listed (feature_group, source, point_in_time_rule)
),

features as (
    select * from (values
        {%- for feature in catalogued_features() %}
        {%- set uses = [] -%}
        {%- for use in (sensitive_uses(feature.name) if feature.is_sensitive else []) -%}
            {%- do uses.append(sql_text(use)) -%}
        {%- endfor %}
        (
            '{{ feature.name }}',
            '{{ feature.feature_group }}',
            {{ sql_text(feature.source_column) }},
            {{ sql_text(feature.description) }},
            {{ dbt.array_construct(uses, dbt.type_string()) if uses else no_uses }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as described (feature, feature_group, source_column, description, sensitive_uses)
),

definitions as (
    select
        features.*,
        groups.source,
        groups.point_in_time_rule
    from features
    left join groups on features.feature_group = groups.feature_group
),

types as (
    {{ column_types(ref('feature_store')) }}
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

means as (
    select
        feature,
        sum(loans) as loans,
        sum(loans * mean) / sum(loans) as mean,
        min(minimum) as minimum,
        max(maximum) as maximum
    from bins
    where mean is not null
    group by feature
),

-- the squares within the bins and those of the bins' means around the mean of all
squares as (
    select
        bins.feature,
        sum(bins.loans * (bins.sd * bins.sd + (bins.mean - means.mean) * (bins.mean - means.mean)))
            as squares
    from bins
    inner join means on bins.feature = means.feature
    where bins.mean is not null
    group by bins.feature
),

distributions as (
    select
        means.feature,
        {{ six_decimals('means.mean') }} as mean,
        {{ six_decimals('sqrt(squares.squares / nullif(means.loans - 1, 0))') }} as sd,
        means.minimum,
        means.maximum
    from means
    inner join squares on means.feature = squares.feature
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
    inner join types on bins.feature = types.column_name
    where types.data_type = 'varchar'
    group by bins.feature
),

movements as (
    select
        feature,
        max(psi) as worst_psi,
        max_by(application_month, (psi, application_month)) as worst_psi_month,
        max_by(psi, application_month) as latest_psi,
        cast(count(*) filter (where is_drifted) as integer) as months_drifted
    from drift
    group by feature
),

feature_catalog as (
    select
        totals.feature,
        definitions.feature_group,
        definitions.source,
        definitions.source_column,
        definitions.description,
        definitions.point_in_time_rule,
        definitions.sensitive_uses,
        types.data_type,
        totals.loans,
        coalesce(totals.unknown_loans, 0) / totals.loans as null_rate,
        distributions.mean,
        distributions.sd,
        distributions.minimum,
        distributions.maximum,
        top_values.top_value,
        top_values.top_value_loans / totals.loans as top_value_share,
        aucs.auc_loans,
        aucs.auc,
        -- without a default in the test split no bin says anything
        case when totals.test_defaults > 0 then information_values.information_value end
            as information_value,
        {{ all_but('movements', ['feature']) }}
    from totals
    inner join information_values on totals.feature = information_values.feature
    left join types on totals.feature = types.column_name
    left join distributions on totals.feature = distributions.feature
    left join aucs on totals.feature = aucs.feature
    left join top_values on totals.feature = top_values.feature
    left join definitions on totals.feature = definitions.feature
    left join movements on totals.feature = movements.feature
)

select * from feature_catalog
order by feature_group, feature
