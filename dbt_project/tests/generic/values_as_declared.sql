{#-
    Why: the ranges and accepted values of dbt_project.yml are a promise about silver, and a
    cleaning rule that forgets a column breaks it in silence. Holds every column of the table that
    has a range or a list there, in one scan; a column that gets one later is held as well.
-#}
{% test values_as_declared(model) %}
{%- set ranges, accepted_values = var('valid_ranges'), var('accepted_values') -%}
{%- set assumptions = {} -%}
{%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(model) -%}
        {%- set name = column.name -%}
        {%- if name in ranges -%}
            {%- do assumptions.update({name: name ~ ' between ' ~ ranges[name] | join(' and ')}) -%}
        {%- elif name in accepted_values -%}
            {%- do assumptions.update({name: name ~ " in ('" ~ accepted_values[name] | join("', '") ~ "')"}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not assumptions -%}
        {{ exceptions.raise_compiler_error(model ~ ' has no column with a declared range or list') }}
    {%- endif -%}
{%- endif -%}
with checked as (
    select
        *
        {%- for column, assumption in assumptions.items() %},
        coalesce({{ assumption }}, true) as {{ column }}_is_as_declared
        {%- endfor %}
    from {{ model }}
)

select * from checked
where not (
    {%- for column in assumptions %}
    {{ column }}_is_as_declared{{ ' and' if not loop.last }}
    {%- else %}
    true
    {%- endfor %}
)
{% endtest %}
