{#-
    What of the feature store hangs on the day itself: the rows that would take another snapshot,
    and the values that would be others, if a row dated on the day of the application did not count
    (strict), or if each source were available one day later.

    Each feature group is computed again as its model stands, with the other rule in the place of
    its own, for the loans that statistics are made of. Dates are whole days, so that a strict
    boundary is an inclusive one a day later.
-#}
{%- set groups = {
    'attributes': 'features_attributes',
    'financials': 'features_financials',
    'clickstream': 'feature_clickstream',
    'loan_history': 'lms_loan_daily',
} -%}
-- depends_on: {{ ref('loan_applications') }}, {{ ref('set_aside_rows') }}
-- depends_on: {{ ref('customer_attributes') }}, {{ ref('customer_financials') }}
-- depends_on: {{ ref('clickstream') }}, {{ ref('loan_repayments') }}
with {% for group, source_name in groups.items() -%}
{{ group }}_now as (
    select * from {{ ref(group ~ '_features') }}
),

{{ group }}_one_day_later as (
    {{ model_one_day_later(group ~ '_features') | indent(4) }}
),

{{ group }}_difference as (
    select
        count(*) as loans,
        count(now.{{ group }}_snapshot_date) as loans_with_values,
        count(*) filter (
            where now.{{ group }}_snapshot_date is distinct from later.{{ group }}_snapshot_date
        ) as rows_changed,
        count(*) filter (
            where now.{{ group }}_snapshot_date is not null and later.{{ group }}_snapshot_date is null
        ) as rows_emptied,
        cast(0
            {%- for column in catalogued_features() if column.config.meta.feature_group == group %}
            + count(*) filter (where now.{{ column.name }} is distinct from later.{{ column.name }})
            {%- endfor %}
        as bigint) as values_changed
    from {{ group }}_now as now
    inner join {{ group }}_one_day_later as later on now.loan_id = later.loan_id
),

{% endfor -%}
changes as (
    {%- for group, source_name in groups.items() %}
    select
        '{{ group }}' as feature_group,
        'available_one_day_later' as change,
        *
    from {{ group }}_difference
    union all
    select
        '{{ group }}' as feature_group,
        'strict' as change,
        loans,
        loans_with_values,
        {%- set is_strict = source_rule(source_name).boundary == 'strict' %}
        {{ '0' if is_strict else 'rows_changed' }} as rows_changed,
        {{ '0' if is_strict else 'rows_emptied' }} as rows_emptied,
        {{ '0' if is_strict else 'values_changed' }} as values_changed
    from {{ group }}_difference
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from changes
order by feature_group, change
