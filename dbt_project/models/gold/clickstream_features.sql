{#-
    Per counter: its value at the application, and over each trailing window of the customer's own
    past the count, sum, mean, standard deviation, trend (least-squares slope, change a month) and
    the distance of the value at the application from the mean. Named as in clickstream_statistics.

    All of it comes from sums of integers, exact in any order of summation: n, the sum of x, of
    x * x, of t, of t * t and of t * x, where x is a reading and t = minus its age in months. Every
    reading is summed once, in the shortest window that holds it (its bucket); the sums of a window
    are those of its bucket and of the buckets of the shorter windows.

    Made in batches of customers (see macros/parquet.sql): a feature that compares customers belongs
    into a model of its own. Not sorted: feature_store is, and to sort 500 columns here would be a
    tenth of the work.
-#}
{{ config(materialized='incremental', unique_key='loan_id', meta={'in_batches': true}) }}
{%- set counters = clickstream_counters() -%}
{%- set windows = var('clickstream_windows') -%}
{%- set names = windows | list -%}

with applications as (
    select * from {{ ref('loan_applications') }}
    where {{ in_batch() }}
    {%- if is_incremental() %}
    and loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
    {%- endif %}
),

clickstream as (
    select * from {{ ref('clickstream') }}
    where {{ is_of_customers_in_batch() }}
),

joined as (
    {{ as_of_join(
        'applications', 'clickstream', keys=['customer_id'], columns=counters,
        is_unique=true, **source_rule('feature_clickstream')
    ) }}
),

missing as (
    {{ missing_rows('applications', 'clickstream', 'feature_clickstream') }}
),

known as (
    {{ known_rows(
        'applications', 'clickstream', keys=['customer_id'], columns=counters,
        **source_rule('feature_clickstream')
    ) }}
),

ages as (
    select
        *,
        -{{ months_between('snapshot_date', 'application_date') }} as t
    from known
),

readings as (
    select
        *,
        case
            {%- for window, months in windows.items() if months %}
            when t > -{{ months }} then '{{ window }}'
            {%- endfor %}
            else '{{ names[-1] }}'
        end as bucket
    from ages
),

buckets as (
    select
        customer_id,
        application_date,
        bucket,
        count(*) as months
        {%- for counter in counters %},
        count({{ counter }}) as {{ counter }}_n,
        cast(sum({{ counter }}) as bigint) as {{ counter }}_x,
        {{ wide_sum('cast(' ~ counter ~ ' as bigint) * ' ~ counter) }} as {{ counter }}_xx,
        cast(sum(case when {{ counter }} is not null then t end) as bigint) as {{ counter }}_t,
        cast(sum(case when {{ counter }} is not null then t * t end) as bigint) as {{ counter }}_tt,
        cast(sum(t * {{ counter }}) as bigint) as {{ counter }}_tx
        {%- endfor %}
    from readings
    group by customer_id, application_date, bucket
),

{% for window in names -%}
bucket_{{ window }} as (
    select * from buckets
    where bucket = '{{ window }}'
),

{% endfor -%}
sums as (
    select
        spine.customer_id,
        spine.application_date
        {%- for window in names %}
        {%- set shorter = names[:loop.index] %},
        {{ sum_over_buckets(shorter, 'months') }} as months_{{ window }}
        {%- for counter in counters %}
        {%- for sum in ['n', 'x', 'xx', 't', 'tt', 'tx'] %}
        {%- set column = counter ~ '_' ~ sum %},
        {{ sum_over_buckets(shorter, column) }} as {{ column }}_{{ window }}
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
    from (select distinct customer_id, application_date from applications) as spine
    {%- for window in names %}
    left join bucket_{{ window }}
        on
            spine.customer_id = bucket_{{ window }}.customer_id
            and spine.application_date = bucket_{{ window }}.application_date
    {%- endfor %}
),

features as (
    select
        joined.loan_id,
        joined.customer_id,
        joined.application_date
        {%- for counter in counters %},
        joined.{{ counter }}
        {%- endfor %}
        {%- for window in names %},
        coalesce(sums.months_{{ window }}, 0) as clickstream_months_{{ window }}
        {%- for counter in counters %}
        {%- set n = 'sums.' ~ counter ~ '_n_' ~ window -%}
        {%- set x = 'sums.' ~ counter ~ '_x_' ~ window -%}
        {%- set xx = 'sums.' ~ counter ~ '_xx_' ~ window -%}
        {%- set t = 'sums.' ~ counter ~ '_t_' ~ window -%}
        {%- set tt = 'sums.' ~ counter ~ '_tt_' ~ window -%}
        {%- set tx = 'sums.' ~ counter ~ '_tx_' ~ window %},
        coalesce({{ n }}, 0) as {{ counter }}_count_{{ window }},
        case when {{ n }} > 0 then {{ x }} end as {{ counter }}_sum_{{ window }},
        {{ ratio(x, n) }} as {{ counter }}_mean_{{ window }},
        sqrt({{ ratio(
            n ~ ' * ' ~ xx ~ ' - ' ~ wide(x) ~ ' * ' ~ x,
            n ~ ' * (' ~ n ~ ' - 1)'
        ) }}) as {{ counter }}_sd_{{ window }},
        {{ ratio(
            wide(n) ~ ' * ' ~ tx ~ ' - ' ~ wide(t) ~ ' * ' ~ x,
            n ~ ' * ' ~ tt ~ ' - ' ~ t ~ ' * ' ~ t
        ) }} as {{ counter }}_trend_{{ window }},
        joined.{{ counter }} - {{ ratio(x, n) }} as {{ counter }}_change_{{ window }}
        {%- endfor %}
        {%- endfor %},
        {{ provenance('clickstream') }}
    from joined
    left join sums
        on
            joined.customer_id = sums.customer_id
            and joined.application_date = sums.application_date
    left join missing
        on
            joined.customer_id = missing.customer_id
            and joined.application_date = missing.application_date
)

select * from features
