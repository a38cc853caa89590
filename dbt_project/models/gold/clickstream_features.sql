{#-
    Per counter: its value at the application, and over each trailing window of the customer's own
    past the count, sum, mean, standard deviation, trend (least-squares slope, change a month) and
    the distance of the value at the application from the mean, by the names of
    clickstream_statistics.

    All of it comes from sums of integers, exact in any order of summation: n, the sum of x, of
    x * x, of t, of t * t and of t * x, where x is a reading and t = minus its age in months.

    Made in batches of customers (see macros/parquet.sql): a feature that compares customers belongs
    into a model of its own. Not sorted: feature_store is, and to sort 500 columns here would be a
    tenth of the work.
-#}
{{ config(materialized='incremental', unique_key='loan_id', meta={'in_batches': true}) }}
{%- set counters = clickstream_counters() -%}
{%- set windows = var('clickstream_windows') -%}

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

windows as (
    select * from (values
        {%- for window, months in windows.items() %}
        ('{{ window }}', {{ months or 'cast(null as int)' }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as listed (span, length_months)
),

readings as (
    select
        *,
        -{{ months_between('snapshot_date', 'application_date') }} as t
    from known
),

sums as (
    select
        readings.customer_id,
        readings.application_date,
        windows.span,
        count(*) as months
        {%- for counter in counters %}
        {%- set x = 'readings.' ~ counter %}
        {%- set known_t = 'case when ' ~ x ~ ' is not null then readings.t end' %},
        count({{ x }}) as {{ counter }}_n,
        cast(sum({{ x }}) as bigint) as {{ counter }}_x,
        {{ wide_sum('cast(' ~ x ~ ' as bigint) * ' ~ x) }} as {{ counter }}_xx,
        cast(sum({{ known_t }}) as bigint) as {{ counter }}_t,
        cast(sum(readings.t * {{ known_t }}) as bigint) as {{ counter }}_tt,
        cast(sum(readings.t * {{ x }}) as bigint) as {{ counter }}_tx
        {%- endfor %}
    from readings
    inner join windows
        on windows.length_months is null or readings.t > -windows.length_months
    group by readings.customer_id, readings.application_date, windows.span
),

statistics as (
    select
        customer_id,
        application_date,
        span,
        months
        {%- for counter in counters %}
        {%- set n, x, xx = counter ~ '_n', counter ~ '_x', counter ~ '_xx' %}
        {%- set t, tt, tx = counter ~ '_t', counter ~ '_tt', counter ~ '_tx' %},
        {{ n }} as {{ counter }}_count,
        {{ x }} as {{ counter }}_sum,
        {{ ratio(x, n) }} as {{ counter }}_mean,
        sqrt({{ ratio(
            n ~ ' * ' ~ xx ~ ' - ' ~ wide(x) ~ ' * ' ~ x,
            n ~ ' * (' ~ n ~ ' - 1)'
        ) }}) as {{ counter }}_sd,
        {{ ratio(
            wide(n) ~ ' * ' ~ tx ~ ' - ' ~ wide(t) ~ ' * ' ~ x,
            n ~ ' * ' ~ tt ~ ' - ' ~ t ~ ' * ' ~ t
        ) }} as {{ counter }}_trend
        {%- endfor %}
    from sums
),

features as (
    select
        joined.loan_id,
        joined.customer_id,
        joined.application_date
        {%- for feature in clickstream_statistics() %}
        {%- set over = 'over_' ~ feature.window %}
        {%- set held = over ~ '.' ~ (feature.counter ~ '_' if feature.counter else '') ~ feature.statistic %},
        {% if not feature.window -%}
        joined.{{ feature.name }}
        {%- elif feature.statistic == 'change' -%}
        joined.{{ feature.counter }} - {{ over }}.{{ feature.counter }}_mean as {{ feature.name }}
        {%- elif feature.is_zero_without_history -%}
        coalesce({{ held }}, 0) as {{ feature.name }}
        {%- else -%}
        {{ held }} as {{ feature.name }}
        {%- endif %}
        {%- endfor %},
        {{ provenance('clickstream') }}
    from joined
    {%- for window in windows %}
    left join statistics as over_{{ window }}
        on
            joined.customer_id = over_{{ window }}.customer_id
            and joined.application_date = over_{{ window }}.application_date
            and over_{{ window }}.span = '{{ window }}'
    {%- endfor %}
    left join missing
        on
            joined.customer_id = missing.customer_id
            and joined.application_date = missing.application_date
)

select * from features
