{#-
    The distribution of every feature by month of application, as counts. Drift, information value,
    mean and standard deviation are sums over it.

    A number falls into one of ten bins, cut at the deciles of the reference months (the ones that
    begin before validation_from); a text is its own bin; a null is the bin 'unknown'.
-#}
with feature_store as (
    select * from {{ ref('feature_store') }}
),

deciles as (
    select * from {{ ref('feature_deciles') }}
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
        cast(date_trunc('month', feature_store.application_date) as date) as application_month,
        case when labels.split = 'test' then labels.label end as test_label
    from feature_store
    inner join sample on feature_store.loan_id = sample.loan_id
    left join labels on feature_store.loan_id = labels.loan_id
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

number_values as (
    {{ feature_values('loans', ['application_month', 'test_label']) }}
),

features as (
    {{ named_features() }}
),

cut_points as (
    select
        features.feature_number,
        deciles.*
    from deciles
    inner join features on deciles.feature = features.feature
),

binned_numbers as (
    select
        number_values.feature_number,
        number_values.application_month,
        number_values.test_label,
        number_values.value,
        -- all in bin 1 where no reference loan has a value
        coalesce(
            1
            {%- for i in range(1, 10) %}
            + cast(number_values.value > cut_points.decile_{{ i }} as integer)
            {%- endfor %},
            1
        ) as bin
    from number_values
    left join cut_points on number_values.feature_number = cut_points.feature_number
),

text_values as (
    {{ feature_values('loans', ['application_month', 'test_label'], texts=true) }}
),

number_bins as (
    select
        feature_number,
        application_month,
        bin,
        count(*) as loans,
        count(test_label) as test_loans,
        sum(test_label) as test_defaults,
        {{ six_decimals('avg(value)') }} as mean,
        {{ six_decimals('stddev_pop(value)') }} as sd,
        min(value) as minimum,
        max(value) as maximum
    from binned_numbers
    group by feature_number, application_month, bin
),

text_bins as (
    select
        feature_number,
        application_month,
        value as bin,
        count(*) as loans,
        count(test_label) as test_loans,
        sum(test_label) as test_defaults,
        cast(null as double) as mean,
        cast(null as double) as sd,
        cast(null as double) as minimum,
        cast(null as double) as maximum
    from text_values
    group by feature_number, application_month, value
),

known as (
    select
        feature_number,
        application_month,
        printf('%02d', bin) as bin,
        loans,
        test_loans,
        test_defaults,
        mean,
        sd,
        minimum,
        maximum
    from number_bins
    union all
    select * from text_bins
),

-- the loans of a month that are in no bin
unknown as (
    select
        features.feature_number,
        months.application_month,
        'unknown' as bin,
        months.loans - coalesce(sum(known.loans), 0) as loans,
        months.test_loans - coalesce(sum(known.test_loans), 0) as test_loans,
        coalesce(months.test_defaults, 0) - coalesce(sum(known.test_defaults), 0) as test_defaults,
        cast(null as double) as mean,
        cast(null as double) as sd,
        cast(null as double) as minimum,
        cast(null as double) as maximum
    from features
    cross join months
    left join known
        on
            features.feature_number = known.feature_number
            and months.application_month = known.application_month
    group by
        features.feature_number,
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
        features.feature,
        bins.application_month,
        bins.bin,
        {{ is_reference_month('bins.application_month') }} as is_reference,
        cast(bins.loans as bigint) as loans,
        cast(bins.test_loans as bigint) as test_loans,
        cast(coalesce(bins.test_defaults, 0) as bigint) as test_defaults,
        bins.mean,
        bins.sd,
        bins.minimum,
        bins.maximum
    from bins
    inner join features on bins.feature_number = features.feature_number
)

select * from feature_bins
order by feature, application_month, bin
