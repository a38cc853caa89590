{#- Before any command of a terminal: is there a datamart, and is it about to be changed? -#}
{% macro guard_published_datamart() -%}
    {%- if execute -%}{{ return(adapter.dispatch('guard_published_datamart')()) }}{%- endif -%}
{%- endmacro %}

{#-
    `dbt run` and `dbt build` replace tables of the published datamart in place. That is said in a
    file beside them, so that the next `python main.py` does not take them for its own; and --empty,
    which would replace them by empty tables, is refused.
-#}
{% macro default__guard_published_datamart() -%}
    {%- set root = adapter.external_root() -%}
    {%- if not adapter.get_relation(database=target.database, schema='bronze', identifier='loads') -%}
        {{ exceptions.raise_compiler_error(
            'no datamart in ' ~ root ~ ': run `python main.py` (or `make run`) once first'
        ) }}
    {%- endif -%}
    {%- if flags.WHICH in ('run', 'build') and not env_var('WAREHOUSE_BUILD_DIR', '') -%}
        {%- if flags.EMPTY -%}
            {{ exceptions.raise_compiler_error(
                '--empty would replace the published tables of ' ~ root ~ ' by empty ones'
            ) }}
        {%- endif -%}
        copy (select 'dbt {{ flags.WHICH }}' as command, now() as started_at)
        to '{{ root | replace("'", "''") }}/touched_by_dbt.json'
    {%- endif -%}
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
