{#-
    The distribution of every feature by month of application, as counts. Drift and information
    value are sums over it.

    A number falls into one of ten bins, cut at the deciles of the reference months (the ones that
    begin before validation_from); a text is its own bin; a null is the bin 'unknown'.
-#}
{%- set features = catalogued_features() | map(attribute='name') | list -%}
{%- set is_reference = "application_month < cast('" ~ var('validation_from') ~ "' as date)" -%}

with feature_store as (
    select * from {{ ref('feature_store') }}
),

training_set as (
    select * from {{ ref('training_set') }}
),

sample as (
    select loan_id from {{ sampled_applications() }}
),

loans as (
    select
        feature_store.*,
        cast(date_trunc('month', feature_store.application_date) as date) as application_month,
        case when training_set.split = 'test' then training_set.label end as test_label
    from feature_store
    inner join sample on feature_store.loan_id = sample.loan_id
    left join training_set on feature_store.loan_id = training_set.loan_id
),

months as (
    select
        application_month,
        count(*) as loans,
        count(test_label) as test_loans,
        sum(test_label) as test_defaults
    from loans
    group by application_month
),

numbers as (
    select
        application_month,
        test_label,
        {%- for name in features %}
        {{ number_of_feature(name) }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from loans
),

number_values as (
    select * from numbers
    unpivot (value for feature in ({{ features | join(', ') }}))
),

deciles as (
    select
        feature,
        {{ quantiles('value', [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) }} as cuts
    from number_values
    where {{ is_reference }}
    group by feature
),

cut_points as (
    select
        feature
        {%- for i in range(1, 10) %},
        {{ list_element('cuts', i) }} as cut_{{ i }}
        {%- endfor %}
    from deciles
),

binned_numbers as (
    select
        number_values.feature,
        number_values.application_month,
        number_values.test_label,
        -- all in bin 1 where no reference loan has a value
        coalesce(
            1
            {%- for i in range(1, 10) %}
            + cast(number_values.value > cut_points.cut_{{ i }} as integer)
            {%- endfor %},
            1
        ) as bin
    from number_values
    left join cut_points on number_values.feature = cut_points.feature
),

texts as (
    select
        application_month,
        test_label,
        {%- for name in features %}
        {{ text_of_feature(name) }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from loans
),

text_values as (
    select * from texts
    unpivot (value for feature in ({{ features | join(', ') }}))
),

known as (
    select
        feature,
        application_month,
        printf('%02d', bin) as bin,
        count(*) as loans,
        count(test_label) as test_loans,
        sum(test_label) as test_defaults
    from binned_numbers
    group by feature, application_month, binned_numbers.bin
    union all
    select
        feature,
        application_month,
        value as bin,
        count(*) as loans,
        count(test_label) as test_loans,
        sum(test_label) as test_defaults
    from text_values
    group by feature, application_month, value
),

features as (
    select * from (values ('{{ features | join("'), ('") }}')) as listed (feature)
),

-- the loans of a month that are in no bin
unknown as (
    select
        features.feature,
        months.application_month,
        'unknown' as bin,
        months.loans - coalesce(sum(known.loans), 0) as loans,
        months.test_loans - coalesce(sum(known.test_loans), 0) as test_loans,
        coalesce(months.test_defaults, 0) - coalesce(sum(known.test_defaults), 0) as test_defaults
    from features
    cross join months
    left join known
        on
            features.feature = known.feature
            and months.application_month = known.application_month
    group by
        features.feature,
        months.application_month,
        months.loans,
        months.test_loans,
        months.test_defaults
),

bins as (
    select * from known
    union all
    select * from unknown
    where loans > 0
),

feature_bins as (
    select
        feature,
        application_month,
        bin,
        {{ is_reference }} as is_reference,
        cast(loans as bigint) as loans,
        cast(test_loans as bigint) as test_loans,
        cast(coalesce(test_defaults, 0) as bigint) as test_defaults
    from bins
)

select * from feature_bins
order by feature, application_month, bin
