{#-
    Materialises a model as parquet, <datamart>/<schema>/<model>.parquet or several files (see
    parts.sql), and a view over it. Streams the query into the file (dbt-duckdb's own `external`
    builds a temporary table first, and writes an all-null row where the result is empty). A file is
    written under a name of this command's own and then renamed, so a killed command leaves the old
    file whole and two commands at once do not mix their rows.
-#}
{% materialization parquet, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks) }}

    {% if config.get('contract').enforced %}
        {%- do get_assert_columns_equivalent(sql) -%}
    {% endif %}

    {%- set files = {} -%}
    {% for file, query in files_of(model, sql).made.items() -%}
        {%- do files.update({file: file ~ '.' ~ invocation_id}) -%}
        {% call statement('main') -%}
            copy (
                {{ query }}
            ) to '{{ files[file] | replace("'", "''") }}' (format parquet, compression zstd)
        {%- endcall %}
    {%- endfor %}
    {#- the plugin renames the files and removes what else the table had -#}
    {% do adapter.store_relation('plugin', this, [], '', 'parquet', {'files': files}) %}
    {% call statement('view') -%}
        create or replace view {{ target_relation }} as
        select * from read_parquet([
            {%- for file in files %}
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
