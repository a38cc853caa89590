{#-
    Materialises a model as parquet, <datamart>/<schema>/<model>.parquet or several files (see
    parts.sql), and a view over it. Streams the query into the file (dbt-duckdb's own `external`
    builds a temporary table first, and writes an all-null row where the result is empty). DuckDB
    writes beside the target and renames, so a killed run leaves the old file whole.
-#}
{% materialization parquet, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks) }}

    {% if config.get('contract').enforced %}
        {%- do get_assert_columns_equivalent(sql) -%}
    {% endif %}

    {%- set files = files_of(model, sql) -%}
    {% for file, query in files.made.items() -%}
        {% call statement('main') -%}
            copy (
                {{ query }}
            ) to '{{ file | replace("'", "''") }}' (format parquet, compression zstd)
        {%- endcall %}
    {%- endfor %}
    {#- the plugin links the files that are kept and removes what else the table had -#}
    {% do adapter.store_relation('plugin', this, [], '', 'parquet', files) %}
    {% call statement('view' if files.made else 'main') -%}
        create or replace view {{ target_relation }} as
        select * from read_parquet([
            {%- for file in files.kept.keys() | list + files.made.keys() | list %}
            '{{ file | replace("'", "''") }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ])
    {%- endcall %}

    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- The same on Spark: a folder of parquet files a model, <spark_datamart>/spark/<schema>/<model>. -#}
{% materialization parquet, adapter='spark' %}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks) }}

    {% call statement('main') -%}
        insert overwrite directory '{{ spark_folder(this) }}'
        using parquet options (compression 'zstd')
        {{ sql }}
    {%- endcall %}
    {% do run_query(view_of_spark_folder(target_relation)) %}

    {{ run_hooks(post_hooks) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro spark_folder(relation) -%}
    {{ var('spark_datamart') }}/{{ '' if relation.schema == 'bronze' else 'spark/' }}{{ relation.schema }}/{{ relation.identifier }}
{%- endmacro %}

{% macro view_of_spark_folder(relation) -%}
    create or replace view {{ relation }} as
    select * from parquet.`{{ spark_folder(relation) }}`
{%- endmacro %}
