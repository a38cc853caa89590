{#- The nine values that cut the numbers of the reference months into ten bins of one size. -#}
with feature_store as (
    select * from {{ ref('feature_store') }}
),

sample as (
    select loan_id from {{ sampled_applications() }}
),

reference_loans as (
    select feature_store.*
    from feature_store
    inner join sample on feature_store.loan_id = sample.loan_id
    where {{ is_reference_month("date_trunc('month', feature_store.application_date)") }}
),

reference_values as (
    {{ feature_values('reference_loans', ['loan_id']) }}
),

lists as (
    select
        feature_number,
        quantile_disc(value, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) as deciles
    from reference_values
    group by feature_number
),

features as (
    {{ named_features() }}
),

feature_deciles as (
    select
        features.feature
        {%- for i in range(1, 10) %},
        lists.deciles[{{ i }}] as decile_{{ i }}
        {%- endfor %}
    from lists
    inner join features on lists.feature_number = features.feature_number
)

select * from feature_deciles
order by feature
