{#-
    How tables are stored: <datamart>/<schema>/<model>.parquet, or several files <model>.001.parquet,
    and a view over them. DuckDB streams the query into the file (dbt-duckdb's own `external` builds
    a temporary table first, and writes an all-null row where the result is empty).

    parquet      the whole table in one file
    incremental  in batches of applications, each a file: a wide table of many loans is worked on
                 within the memory that a machine has. The model says with in_batch() which rows of
                 its inputs are meant, and with is_incremental() what it keeps of the table before.
                 A batch holds all applications of some days, or, where a model's meta says
                 `batches_of: customer_id`, of some customers.

    Files are written under names of this command's own, next to those of the table before, which
    the query may read, and renamed when all are written: a killed command leaves the old files
    whole, and two commands at once do not mix their rows.
-#}
{% materialization parquet, adapter='duckdb' %}
    {{ return(parquet_files(sql, [])) }}
{% endmaterialization %}

{% materialization incremental, adapter='duckdb' %}
    {{ return(parquet_files(sql, batches_of_applications())) }}
{% endmaterialization %}

{% macro parquet_files(sql, batches) -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set folder = adapter.external_root() ~ '/' ~ this.schema -%}
    {{ run_hooks(pre_hooks) }}

    {% if config.get('contract').enforced %}
        {%- do get_assert_columns_equivalent(sql) -%}
    {% endif %}

    {%- set files = {} -%}
    {%- for batch in batches or [none] -%}
        {%- if batch -%}
            {%- do run_query("set variable batch_first = " ~ dbt.string_literal(dbt.escape_single_quotes(batch[0]))) -%}
            {%- do run_query("set variable batch_last = " ~ dbt.string_literal(dbt.escape_single_quotes(batch[1]))) -%}
        {%- endif -%}
        {%- set name = this.identifier ~ ('.%03d' % loop.index if batches | length > 1 else '') ~ '.parquet' -%}
        {%- do files.update({folder ~ '/' ~ name: folder ~ '/tmp_' ~ invocation_id ~ '_' ~ name}) -%}
        {% call statement('main') -%}
            copy (
                {{ sql }}
            ) to '{{ files[folder ~ '/' ~ name] | replace("'", "''") }}' (format parquet, compression zstd)
        {%- endcall %}
    {%- endfor -%}
    {%- if batches -%}
        {%- do run_query('reset variable batch_first') -%}
        {%- do run_query('reset variable batch_last') -%}
    {%- endif -%}
    {#- the plugin moves the files to their place and removes what else the table had -#}
    {% do adapter.store_relation('plugin', this, [], '', 'parquet', {'files': files}) %}
    {%- set paths = [] -%}
    {%- for file in files -%}{%- do paths.append("'" ~ file | replace("'", "''") ~ "'") -%}{%- endfor -%}
    {% call statement('view') -%}
        create or replace view {{ target_relation }} as
        select * from read_parquet([{{ paths | join(', ') }}])
    {%- endcall %}

    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmacro %}

{#- The first and last value of every batch of applications, of about loans_per_batch loans each. -#}
{% macro batches_of_applications() -%}
    {%- set column = config.get('meta', {}).get('batches_of', 'application_date') -%}
    {%- set batches -%}
        select
            min(value),
            max(value)
        from (
            select
                value,
                sum(count(*)) over (order by value) - count(*) as loans_before
            from (select coalesce(cast({{ column }} as varchar), '') as value from {{ ref('loan_applications') }})
            group by value
        )
        group by loans_before // {{ var('loans_per_batch') }}
        order by 1
    {%- endset -%}
    {{ return(run_query(batches).rows | map('list') | list) }}
{%- endmacro %}

{#-
    Whether a value of the spine is in the batch that is made; always true where no batch is: the
    variables of DuckDB are set by the materialisation alone.
-#}
{% macro in_batch(value) -%}
    {%- if target.type == 'duckdb' -%}
    (getvariable('batch_first') is null or {{ value }} between getvariable('batch_first') and getvariable('batch_last'))
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#-
    Whether a run keeps the rows of closed applications that the model's table has, and builds the
    others: main.py asks for it (var incremental) in a copy of a run of the same code, the table is
    there, no --full-refresh, and no source whose corrections count for all time. For any
    materialisation; in the place of dbt's own macro.
-#}
{% macro is_incremental() -%}
    {%- if not execute -%}{%- do ref('watermarks') -%}{%- endif -%}  {#- is_closed() reads it -#}
    {%- set asked = execute and var('incremental') and not flags.FULL_REFRESH -%}
    {%- set retroactive = [] -%}
    {%- for name in var('sources') if asked and source_meta(name, 'corrections') == 'retroactive' -%}
        {%- do retroactive.append(name) -%}
    {%- endfor -%}
    {{ return(asked and not retroactive and load_relation(this) is not none) }}
{%- endmacro %}

{#- The same on Spark: a folder of parquet files a model, <spark_datamart>/spark/<schema>/<model>. -#}
{% materialization parquet, adapter='spark' %}
    {{ return(spark_files(sql)) }}
{% endmaterialization %}

{% macro spark_files(sql) -%}
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
{%- endmacro %}

{% materialization incremental, adapter='spark' %}
    {{ return(spark_files(sql)) }}
{% endmaterialization %}

{% macro spark_folder(relation) -%}
    {{ var('spark_datamart') }}/{{ '' if relation.schema == 'bronze' else 'spark/' }}{{ relation.schema }}/{{ relation.identifier }}
{%- endmacro %}

{% macro view_of_spark_folder(relation) -%}
    create or replace view {{ relation }} as
    select * from parquet.`{{ spark_folder(relation) }}`
{%- endmacro %}

{#-
    At the start of a run on Spark: views of what is on disk, of bronze and of what the selected
    models and tests read and this command does not build.
-#}
{% macro show_files_to_spark() -%}
    {%- set built = selected_resources if flags.WHICH in ('run', 'build') else [] -%}
    {%- set read = [] -%}
    {%- for id in (selected_resources if execute and target.type == 'spark' else []) if id in graph.nodes -%}
        {%- do read.extend(graph.nodes[id].depends_on.nodes) -%}
    {%- endfor -%}
    {%- for id in read | unique if id not in built -%}
        {%- set node = graph.sources.get(id) or graph.nodes[id] -%}
        {%- set relation = api.Relation.create(schema=node.schema, identifier=node.name) -%}
        {%- do adapter.create_schema(relation.without_identifier()) -%}
        {%- do run_query(view_of_spark_folder(relation)) -%}
    {%- endfor -%}
{%- endmacro %}
