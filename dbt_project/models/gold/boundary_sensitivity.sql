{#-
    What of the feature store hangs on the day itself: the rows that would take another snapshot,
    and the values of that snapshot that would be others, if a row dated on the day of the
    application did not count (strict), or if each source were available one day later.

    Values are those that silver holds of the snapshot; ratios and windows follow them. Only the
    rows at the edge are joined again.
-#}
{%- set groups = {
    'attributes': ('features_attributes', 'customer_attributes'),
    'financials': ('features_financials', 'customer_financials'),
    'clickstream': ('feature_clickstream', 'clickstream'),
    'loan_history': ('lms_loan_daily', 'loan_repayments'),
} -%}
{%- set not_values = [
    'customer_id', 'loan_id', 'loan_start_date', 'snapshot_date', 'first_missed_date',
    'cleaning_actions', 'load_id', 'row_number',
] -%}

with feature_store as (
    select * from {{ ref('feature_store') }}
),

{% for group, (source_name, table) in groups.items() -%}
{%- set rule = source_rule(source_name) -%}
{%- set changes = {
    'now': rule,
    'strict': dict(rule, boundary='strict'),
    'available_one_day_later': dict(rule, delay_days=rule.delay_days + 1),
} -%}
{%- set columns = [] -%}
{%- for column in adapter.get_columns_in_relation(ref(table)) if execute and column.name not in not_values -%}
    {%- do columns.append(column.name) -%}
{%- endfor -%}

{{ group }}_source as (
    select * from {{ ref(table) }}
    {%- if group == 'loan_history' %}
    -- the repayments of the loans before; no row of a loan's own first day
    where snapshot_date > loan_start_date
    {%- endif %}
),

{{ group }}_edge as (
    select
        loan_id,
        customer_id,
        application_date
    from feature_store
    where {{ group }}_age_days <= {{ rule.delay_days + 1 }}
),

{% for change, changed_rule in changes.items() -%}
{{ group }}_{{ change }} as (
    {{ as_of_join(
        group ~ '_edge', group ~ '_source', keys=['customer_id'], columns=columns,
        tie_break=['loan_id'] if group == 'loan_history' else [],
        is_unique=group != 'loan_history', **changed_rule
    ) }}
),

{% endfor -%}
{{ group }}_changes as (
    {%- for change in changes if change != 'now' %}
    select
        '{{ group }}' as feature_group,
        '{{ change }}' as change,
        count(*) filter (where now.snapshot_date is distinct from other.snapshot_date) as rows_changed,
        count(*) filter (where now.snapshot_date is not null and other.snapshot_date is null) as rows_emptied,
        cast(0
            {%- for column in columns %}
            + count(*) filter (where now.{{ column }} is distinct from other.{{ column }})
            {%- endfor %}
        as bigint) as values_changed
    from {{ group }}_now as now
    inner join {{ group }}_{{ change }} as other on now.loan_id = other.loan_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

{% endfor -%}
totals as (
    {%- for group in groups %}
    select
        '{{ group }}' as feature_group,
        count(*) as loans,
        count({{ group }}_snapshot_date) as loans_with_values
    from feature_store
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

changes as (
    {%- for group in groups %}
    select * from {{ group }}_changes
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

boundary_sensitivity as (
    select
        changes.feature_group,
        changes.change,
        totals.loans,
        totals.loans_with_values,
        changes.rows_changed,
        changes.rows_emptied,
        changes.values_changed
    from changes
    inner join totals on changes.feature_group = totals.feature_group
)

select * from boundary_sensitivity
order by feature_group, change
