{#-
    How tables are stored: <datamart>/<schema>/<model>.parquet, or several files <model>.001.parquet,
    and a view over them. DuckDB streams the query into the file (dbt-duckdb's own `external` builds
    a temporary table first, and writes an all-null row where the result is empty).

    parquet      the whole table in one file
    incremental  where is_incremental(), the query gives the rows that are new or other than before;
                 of the table before, the rows of all other loans (`unique_key`) are kept, and with
                 them the files that hold nothing else (see warehouse/transform/tables.py)

    A wide table (meta `in_batches` of its model) is made in batches of customers, each a file, so
    that one of many loans fits into memory, and that a batch of one table reads one file of another.
    The model says with in_batch() which rows of its inputs are meant.

    Files are written under names of this command's own, next to those of the table before, which
    the query may read, and get their places when all are written: a killed command leaves the old
    files whole, and two commands at once do not mix their rows.
-#}
{% materialization parquet, adapter='duckdb' %}
    {{ return(parquet_files(sql)) }}
{% endmaterialization %}

{% materialization incremental, adapter='duckdb' %}
    {{ return(parquet_files(sql)) }}
{% endmaterialization %}

{% macro parquet_files(sql) -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set folder = adapter.external_root() ~ '/' ~ this.schema -%}
    {{ run_hooks(pre_hooks) }}

    {% if config.get('contract').enforced %}
        {%- do get_assert_columns_equivalent(sql) -%}
    {% endif %}

    {%- set files = [] -%}
    {%- set batches = set_batches() -%}
    {#- of a wide table a reader holds whole row groups: of few rows, to stay within little memory #}
    {%- set rows_per_group = var('loans_per_batch') // 4 -%}
    {%- for batch in range(1, batches + 1) or [none] -%}
        {%- if batch -%}{%- do run_query("set variable batch = getvariable('batches')[" ~ batch ~ "]") -%}{%- endif -%}
        {%- do files.append(folder ~ '/tmp_' ~ invocation_id ~ '_' ~ this.identifier ~ '_' ~ loop.index) -%}
        {% call statement('main') -%}
            copy (
                {{ sql }}
            ) to '{{ files[-1] | replace("'", "''") }}' (
                format parquet, compression zstd {{- ', row_group_size ' ~ rows_per_group if batches }}
            )
        {%- endcall %}
        {%- if batch -%}{%- do run_query('reset variable batch') -%}{%- endif -%}
    {%- endfor -%}
    {%- set written = {
        'files': files, 'rows_per_group': rows_per_group,
        'keep_other': config.require('unique_key') if is_incremental() else none,
    } -%}
    {% do adapter.store_relation('plugin', this, [], '', 'parquet', written) %}

    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmacro %}

{#-
    Set DuckDB's variable `batches` to those of a wide table, each of about loans_per_batch of the
    loans to be built: a range of customers and one of days. Of an incremental model with several, the
    applications that are still open have batches of their own: the next run builds them again, and
    keeps the files of the others. Returns their number, 0 where the table is not made in batches.
-#}
{% macro set_batches() -%}
    {%- if not config.get('meta', {}).get('in_batches') -%}{{ return(0) }}{%- endif -%}
    {%- set batches -%}
        with loans as (
            select
                coalesce(customer_id, '') as customer_id,
                application_date,
                {%- if model.config.materialized == 'incremental' %}
                count(*) over () > {{ var('loans_per_batch') }}
                and not coalesce({{ is_closed('application_date', by_newest_load=true) }}, false) as is_open
                {%- else %}
                false as is_open
                {%- endif %}
            from {{ ref('loan_applications') }}
            {%- if is_incremental() %}
            where loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
            {%- endif %}
        ),

        customers as (
            select
                is_open,
                customer_id,
                min(application_date) as first_date,
                max(application_date) as last_date,
                sum(count(*)) over (partition by is_open order by customer_id) - count(*) as loans_before
            from loans
            group by is_open, customer_id
        ),

        batches as (
            select
                is_open,
                min(customer_id) as first_customer,
                max(customer_id) as last_customer,
                min(first_date) as first_date,
                max(last_date) as last_date
            from customers
            group by is_open, loans_before // {{ var('loans_per_batch') }}
        )

        select list(batches order by is_open, first_customer) from batches
    {%- endset -%}
    {%- do run_query('set variable batches = (' ~ batches ~ ')') -%}
    {{ return(run_query("select coalesce(len(getvariable('batches')), 0)").rows[0][0] | int) }}
{%- endmacro %}

{#-
    Whether a row of a table with the columns of the spine is in the batch that is made; always true
    where no batch is: the variable of DuckDB is set by the materialisation alone.
-#}
{% macro in_batch() -%}
    (
        {{ is_of_customers_in_batch() }}
        {%- if target.type == 'duckdb' %}
        and (
            getvariable('batch') is null
            or application_date between getvariable('batch').first_date and getvariable('batch').last_date
        )
        {%- endif %}
    )
{%- endmacro %}

{#- The same for a table without application dates. Loans that name no customer come first. -#}
{% macro is_of_customers_in_batch() -%}
    {%- if target.type == 'duckdb' -%}
    (
        getvariable('batch') is null
        or customer_id between getvariable('batch').first_customer and getvariable('batch').last_customer
        or (customer_id is null and getvariable('batch').first_customer = '')
    )
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

{% materialization incremental, adapter='spark' %}
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
