{#-
    What of a loan's features hangs on the day itself: whether each group would take another
    snapshot, and how many values would be others, if its source were available one day later.

    Each group is computed again as its model stands, with that rule in the place of its own, for
    the loans that statistics are made of.
-#}
{%- set groups = var('feature_groups') -%}
-- depends_on: {{ ref('loan_applications') }}, {{ ref('set_aside_rows') }}
-- depends_on: {{ ref('customer_attributes') }}, {{ ref('customer_financials') }}
-- depends_on: {{ ref('clickstream') }}, {{ ref('loan_repayments') }}
with sampled_applications as (
    select * from {{ sampled_applications() }}
),

{% for group in groups -%}
{{ group }}_now as (
    select * from {{ ref(group ~ '_features') }}
    where loan_id in (select loan_id from sampled_applications)
),

{{ group }}_one_day_later as (
    {{ model_one_day_later(group ~ '_features') | indent(4) }}
),

{%- set value_changes = [] -%}
{%- for column in catalogued_features() if column.config.meta.feature_group == group -%}
    {%- do value_changes.append('now.' ~ column.name ~ ' is distinct from later.' ~ column.name) -%}
{%- endfor -%}
{{ group }}_changes as (
    select
        now.loan_id,
        '{{ group }}' as feature_group,
        now.{{ group }}_snapshot_date is not null as has_snapshot,
        now.{{ group }}_snapshot_date is distinct from later.{{ group }}_snapshot_date as is_changed,
        now.{{ group }}_snapshot_date is not null and later.{{ group }}_snapshot_date is null as is_emptied,
        cast({{ list_count(list_of(value_changes), 'element') }} as integer) as values_changed
    from {{ group }}_now as now
    inner join {{ group }}_one_day_later as later on now.loan_id = later.loan_id
),

{% endfor -%}
changes as (
    {%- for group in groups %}
    select * from {{ group }}_changes
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select * from changes
order by feature_group, loan_id
