{#-
    Why: one feature read from after the application makes a model that is brilliant in training
    and useless in use. Holds each group's provenance against the contract of its source by plain
    arithmetic on days, not by the macros that made it, and that a group without a snapshot has a
    reason and no value. What a feature's own SQL may leak, this cannot see: that is proved by
    rebuilding without the rows after each month.

    The model has all groups of var sources. A count is 0 where there is no history: its meta says
    is_zero_without_history.
-#}
{% test point_in_time(model) %}
{%- set groups = feature_groups() -%}
{%- set reasons = var('reasons')['no_snapshot'] -%}
{%- set not_features = spine_columns() -%}
{%- set zeros = catalogued_features() | selectattr('is_zero_without_history') | map(attribute='name') | list -%}
{%- set problems = {} -%}
{%- for group, source in groups.items() -%}
    {%- set snapshot_date, age_days, null_reason =
        group ~ '_snapshot_date', group ~ '_age_days', group ~ '_null_reason' -%}
    {%- do not_features.extend(provenance_columns(group)) -%}
    {%- set group_model = ref(group ~ '_features') -%}
    {%- set rule = source_rule(source) -%}
    {%- set empty = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(group_model)
            if column.name not in not_features -%}
            {%- if column.name in zeros -%}
                {%- do empty.append('coalesce(' ~ column.name ~ ', 0) = 0') -%}
            {%- else -%}
                {%- do empty.append(column.name ~ ' is null') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set age = days_between(snapshot_date, 'application_date') -%}
    {%- do problems.update({
        group ~ '_was_known':
            age ~ (' > ' if rule.boundary == 'strict' else ' >= ') ~ source_meta(source, 'delay_days'),
        group ~ '_is_not_expired':
            'true' if rule.max_age_days is none else age ~ ' <= ' ~ rule.max_age_days,
        group ~ '_age_is_right':
            age_days ~ ' is not distinct from ' ~ age,
        group ~ '_has_value_or_reason':
            '(' ~ snapshot_date ~ ' is null) = (' ~ null_reason ~ ' is not null)',
        group ~ '_reason_is_known':
            null_reason ~ " in ('" ~ reasons | join("', '") ~ "')",
        group ~ '_is_empty_without_snapshot':
            null_reason ~ ' is null or (' ~ empty | join(' and ') ~ ')',
    }) -%}
{%- endfor -%}
with checked as (
    select
        loan_id,
        application_date,
        {%- for group in groups %}
        {{ group }}_snapshot_date,
        {{ group }}_age_days,
        {{ group }}_null_reason,
        {%- endfor %}
        {%- for assumption, condition in problems.items() %}
        coalesce({{ condition }}, true) as {{ assumption }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
)

select * from checked
where not (
    {%- for assumption in problems %}
    {{ assumption }}{{ ' and' if not loop.last }}
    {%- endfor %}
)
{% endtest %}
