{#-
    How tables are stored: <datamart>/<schema>/<model>.parquet, or several files <model>.001.parquet,
    and a view over them. DuckDB streams the query into the file (dbt-duckdb's own `external` builds
    a temporary table first, and writes an all-null row where the result is empty).

    parquet      the whole table in one file
    incremental  where is_incremental(), the query gives the rows that are new or other than before;
                 of the table before, the rows of all other loans (`unique_key`) are kept, and with
                 them the files that hold nothing else (see warehouse/transform/tables.py)

    A wide table is made in batches, each a file, so that one of many loans fits into memory: of the
    loans of some days, or of some customers, as the meta `batches_of` of its model says. The model
    says with in_batch() which rows of its inputs are meant.

    Files are written under names of this command's own, next to those of the table before, which
    the query may read, and get their places when all are written: a killed command leaves the old
    files whole, and two commands at once do not mix their rows.
-#}
{% materialization parquet, adapter='duckdb' %}
    {{ return(parquet_files(sql, none)) }}
{% endmaterialization %}

{% materialization incremental, adapter='duckdb' %}
    {{ return(parquet_files(sql, config.require('unique_key') if is_incremental() else none)) }}
{% endmaterialization %}

{% macro parquet_files(sql, keep_other) -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set folder = adapter.external_root() ~ '/' ~ this.schema -%}
    {{ run_hooks(pre_hooks) }}

    {% if config.get('contract').enforced %}
        {%- do get_assert_columns_equivalent(sql) -%}
    {% endif %}

    {%- set files = [] -%}
    {%- set batches = batches_of_loans() -%}
    {#- of a wide table a reader holds whole row groups: of few rows, to stay within little memory #}
    {%- set rows_per_group = var('loans_per_batch') // 4 -%}
    {%- for batch in batches or [none] -%}
        {%- if batch -%}
            {%- do run_query("set variable batch_first = " ~ dbt.string_literal(dbt.escape_single_quotes(batch[0]))) -%}
            {%- do run_query("set variable batch_last = " ~ dbt.string_literal(dbt.escape_single_quotes(batch[1]))) -%}
        {%- endif -%}
        {%- do files.append(folder ~ '/tmp_' ~ invocation_id ~ '_' ~ this.identifier ~ '_' ~ loop.index) -%}
        {% call statement('main') -%}
            copy (
                {{ sql }}
            ) to '{{ files[-1] | replace("'", "''") }}' (
                format parquet, compression zstd {{- ', row_group_size ' ~ rows_per_group if batches }}
            )
        {%- endcall %}
        {%- if batch -%}
            {%- do run_query('reset variable batch_first') -%}
            {%- do run_query('reset variable batch_last') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set written = {'files': files, 'keep_other': keep_other, 'rows_per_group': rows_per_group} -%}
    {% do adapter.store_relation('plugin', this, [], '', 'parquet', written) %}

    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmacro %}

{#- The first and last value of every batch of the loans to be built, of about loans_per_batch each. -#}
{% macro batches_of_loans() -%}
    {%- set column = config.get('meta', {}).get('batches_of') -%}
    {%- if not column -%}{{ return([]) }}{%- endif -%}
    {%- set batches -%}
        select
            min(value),
            max(value)
        from (
            select
                value,
                sum(count(*)) over (order by value) - count(*) as loans_before
            from (
                select coalesce(cast({{ column }} as varchar), '') as value
                from {{ ref('loan_applications') }}
                {%- if is_incremental() %}
                where loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
                {%- endif %}
            )
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
    Whether an incremental model builds only the applications that are not closed: main.py asks for
    it (var incremental) in a copy of a run of the same code, the table is there, no --full-refresh,
    and no source whose corrections count for all time. In the place of dbt's own macro.
-#}
{% macro is_incremental() -%}
    {%- if not execute -%}{%- do ref('watermarks') -%}{%- endif -%}  {#- is_closed() reads it -#}
    {%- set asked = execute and var('incremental') and not flags.FULL_REFRESH
        and model.config.materialized == 'incremental' -%}
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
