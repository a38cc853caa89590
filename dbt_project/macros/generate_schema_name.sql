{#- Folder = schema = folder of the datamart: silver is silver, not main_silver. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
