{#-
    Per counter: its value at the application, and over each trailing window of the customer's own
    past the count, sum, mean, standard deviation, trend (least-squares slope, change a month) and
    how far the value at the application lies from the mean.

    All of it comes from sums of integers, exact in any order of summation: n, the sum of x, of
    x * x, of t, of t * t and of t * x, where x is a reading and t = minus its age in months.
-#}
{%- set counters = clickstream_counters() -%}
{%- set windows = var('clickstream_windows') -%}
{%- set wide_sum = adapter.dispatch('wide_sum') -%}

with applications as (
    select * from {{ ref('loan_applications') }}
    where {{ in_batch('application_date') }}
    {%- if is_incremental() %}
    and loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
    {%- endif %}
),

clickstream as (
    select * from {{ ref('clickstream') }}
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

readings as (
    select
        *,
        -{{ months_between('snapshot_date', 'application_date') }} as t
    from known
),

{% for window, months in windows.items() -%}
sums_{{ window }} as (
    select
        customer_id,
        application_date,
        count(*) as months
        {%- for counter in counters %},
        count({{ counter }}) as {{ counter }}_n,
        {{ wide_sum(counter) }} as {{ counter }}_x,
        {{ wide_sum('cast(' ~ counter ~ ' as bigint) * ' ~ counter) }} as {{ counter }}_xx,
        sum(case when {{ counter }} is not null then t end) as {{ counter }}_t,
        sum(case when {{ counter }} is not null then t * t end) as {{ counter }}_tt,
        {{ wide_sum('t * ' ~ counter) }} as {{ counter }}_tx
        {%- endfor %}
    from readings
    {%- if months %}
    where t > -{{ months }}
    {%- endif %}
    group by customer_id, application_date
),

{% endfor -%}
-- worked out before they are joined: a feature takes half the memory of the sums it comes from
{% for window in windows -%}
window_{{ window }} as (
    select
        customer_id,
        application_date,
        months
        {%- for counter in counters %}
        {%- set n = counter ~ '_n' -%}
        {%- set x = counter ~ '_x' -%}
        {%- set xx = counter ~ '_xx' -%}
        {%- set t = counter ~ '_t' -%}
        {%- set tt = counter ~ '_tt' -%}
        {%- set tx = counter ~ '_tx' %},
        {{ n }},
        cast({{ x }} as bigint) as {{ counter }}_sum,
        {{ ratio(x, n) }} as {{ counter }}_mean,
        sqrt({{ ratio(n ~ ' * ' ~ xx ~ ' - ' ~ x ~ ' * ' ~ x, n ~ ' * (' ~ n ~ ' - 1)') }}) as {{ counter }}_sd,
        {{ ratio(n ~ ' * ' ~ tx ~ ' - ' ~ t ~ ' * ' ~ x, n ~ ' * ' ~ tt ~ ' - ' ~ t ~ ' * ' ~ t) }} as {{ counter }}_trend
        {%- endfor %}
    from sums_{{ window }}
),

{% endfor -%}
features as (
    select
        joined.loan_id,
        joined.customer_id,
        joined.application_date
        {%- for counter in counters %},
        joined.{{ counter }}
        {%- endfor %}
        {%- for window in windows %}{% set past = 'window_' ~ window %},
        coalesce({{ past }}.months, 0) as clickstream_months_{{ window }}
        {%- for counter in counters %},
        coalesce({{ past }}.{{ counter }}_n, 0) as {{ counter }}_count_{{ window }},
        {{ past }}.{{ counter }}_sum as {{ counter }}_sum_{{ window }},
        {{ past }}.{{ counter }}_mean as {{ counter }}_mean_{{ window }},
        {{ past }}.{{ counter }}_sd as {{ counter }}_sd_{{ window }},
        {{ past }}.{{ counter }}_trend as {{ counter }}_trend_{{ window }},
        joined.{{ counter }} - {{ past }}.{{ counter }}_mean as {{ counter }}_change_{{ window }}
        {%- endfor %}
        {%- endfor %},
        {{ provenance('clickstream') }}
    from joined
    {%- for window in windows %}
    left join window_{{ window }}
        on
            joined.customer_id = window_{{ window }}.customer_id
            and joined.application_date = window_{{ window }}.application_date
    {%- endfor %}
    left join missing
        on
            joined.customer_id = missing.customer_id
            and joined.application_date = missing.application_date
)

select * from features
{%- if is_incremental() %}
union all
select * from {{ this }}
where {{ is_closed('application_date') }} and {{ in_batch('application_date') }}
{%- endif %}
order by loan_id
