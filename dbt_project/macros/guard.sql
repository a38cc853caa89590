{#- Before the models: only Spark has to be shown what is on disk, DuckDB's plugin does it itself. -#}
{% macro guard_published_datamart() -%}
    {%- if execute -%}{{ return(adapter.dispatch('guard_published_datamart')()) }}{%- endif -%}
{%- endmacro %}

{% macro default__guard_published_datamart() -%}
{%- endmacro %}

{#-
    Spark writes beside the published tables and never over them, so there is nothing to guard. What
    is on disk is shown as views: bronze, and what the selected models and tests read and this
    command does not build itself.
-#}
{% macro spark__guard_published_datamart() -%}
    {%- set built = selected_resources if flags.WHICH in ('run', 'build') else [] -%}
    {%- set read = [] -%}
    {%- for id in selected_resources if id in graph.nodes -%}
        {%- do read.extend(graph.nodes[id].depends_on.nodes) -%}
    {%- endfor -%}
    {%- for id in read | unique if id not in built -%}
        {%- set node = graph.sources.get(id) or graph.nodes[id] -%}
        {%- set relation = api.Relation.create(schema=node.schema, identifier=node.name) -%}
        {%- do adapter.create_schema(relation.without_identifier()) -%}
        {%- do run_query(view_of_spark_folder(relation)) -%}
    {%- endfor -%}
{%- endmacro %}
