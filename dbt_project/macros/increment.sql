{#-
    A run that follows another builds what the loads since then can change, and takes the rest from
    the tables of the run before (WAREHOUSE_PREVIOUS_RUN, set by main.py where rules and code are
    the same). The models know nothing of it: a model's SQL runs over a part of one of its inputs,
    which holds all rows that decide over the rows of the part. Which part, `increment` in
    dbt_project.yml says:

    bronze: the rows of the new loads, and of older ones those with a key and date of theirs. A row
        is judged and cleaned beside the rows of its key and date, and no others.
    applications: those that are new or changed, and those of a customer of whom such a row is dated
        on or before the application. Later rows are not known to it.
    labels: the loans that are new or changed or have such a row, and those whose window was open or
        lacked a month, for these hang on how far the repayments reach.
    training: such applications, and those of a loan whose default label is new or another.
    months: the months of application of such applications and of labels that changed; all months
        where such an application lies in a reference month.
    reference_months: all of a table, where such an application lies in a reference month.

    What is made of a sample of the applications (sampled) can change with each of them, so that it
    is built whole where there are more than the sample. A model without `increment` is built whole.
    Whether the part becomes a file of its own (appends) stands in parts.sql.
-#}
{% macro increment_of(model) -%}
    {%- set increment = model.config.meta.get('increment') if env_var('WAREHOUSE_PREVIOUS_RUN', '') -%}
    {%- if increment and model.config.meta.get('sampled') -%}
        {%- set count = 'select greatest((select count(*) from ' ~ relation_of('gold', 'loan_applications')
            ~ '), (select count(*) from ' ~ previous_table('gold', 'loan_applications') ~ '))' -%}
        {%- if run_query(count).columns[0][0] > var('statistics_loans') -%}{{ return(none) }}{%- endif -%}
    {%- endif -%}
    {{ return(increment) }}
{%- endmacro %}

{#- The query of an increment: rows of the run before, and those built anew. -#}
{% macro increment_query(model, sql, part) -%}
    select * from {{ previous_table(model.schema, model.name) }}
    where {{ part.is_kept }}
    union all by name
    select * from ({{ with_inputs(sql, part.inputs) }})
    {{ modules.re.search('order by [a-z_, ]+$', sql | trim).group() }}
{%- endmacro %}

{#-
    What is built anew: {inputs: {relation: its rows that decide}, is_kept: which rows of before are
    taken over, count: the number of rows that decide, as a query}.
-#}
{% macro part_to_build(model, sql, increment) -%}
    {%- set inputs = {} -%}
    {%- if increment == 'bronze' -%}
        {%- set names = model.sources | map('last') | list -%}
        {%- for name in names -%}
            {%- do inputs.update({relation_of('bronze', name): relation_of('changed', name)}) -%}
        {%- endfor -%}
        {%- set source = "'" ~ names[0] ~ "'" if names | length == 1 else 'source' -%}
        {%- set is_kept = '(' ~ source ~ ', load_id, row_number) not in (from changed.bronze_rows)' -%}
    {%- elif increment in rows_built_and_kept() -%}
        {%- set is_built, is_kept = rows_built_and_kept()[increment] -%}
        {%- set store = relation_of('gold', 'feature_store') -%}
        {%- do inputs.update({store: '(select * from ' ~ store ~ ' where ' ~ is_built ~ ')'}) -%}
    {%- else -%}
        {%- set loans = relation_of('gold', 'loan_applications') -%}
        {#- on one line, because a comment of the model may name the relation too -#}
        {%- set changed = modules.re.sub('\n *', ' ', changed_loans(increment)) -%}
        {%- do inputs.update({loans: '(' ~ changed ~ ')'}) -%}
        {#- other tables of the same loans: the date tells which of their files have none of these -#}
        {%- for id in model.depends_on.nodes if id in graph.nodes and graph.nodes[id].config.meta.get('increment') == 'applications' -%}
            {%- set table = relation_of(graph.nodes[id].schema, graph.nodes[id].name) -%}
            {%- do inputs.update({table: '(select * from ' ~ table ~ ' where (loan_id, application_date) in'
                ~ ' (select loan_id, application_date from changed.applications))'}) -%}
        {%- endfor -%}
        {%- set is_kept = 'loan_id in (select loan_id from ' ~ loans ~ ' except select loan_id from (' ~ changed ~ '))' -%}
    {%- endif -%}
    {%- for relation in inputs if relation not in sql -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ' is built by ' ~ increment ~ ' (increment in dbt_project.yml)'
            ~ ' but does not read ' ~ relation
        ) }}
    {%- endfor -%}
    {%- set count = 'select count(*) from ' ~ (inputs.values() | first) -%}
    {{ return({'inputs': inputs, 'is_kept': is_kept, 'count': count}) }}
{%- endmacro %}

{#-
    Of the increments that are made of a part of the feature store: {increment: [which of its rows
    are the part, which rows of the table before are kept]}.
-#}
{% macro rows_built_and_kept() -%}
    {{ return({
        'training': [
            'loan_id in (from changed.training_loans)',
            'loan_id not in (from changed.training_loans)',
        ],
        'months': [
            "date_trunc('month', application_date) in (from changed.months)",
            'application_month not in (from changed.months)',
        ],
        'reference_months': [is_reference_changed(), 'not ' ~ is_reference_changed()],
    }) }}
{%- endmacro %}

{% macro is_reference_changed() -%}
    exists (from changed.application_dates where {{ is_reference_month("date_trunc('month', application_date)") }})
{%- endmacro %}

{#- A query with other relations in the place of those that it reads: {relation: other}. -#}
{% macro with_inputs(sql, inputs) -%}
    {%- set query = namespace(sql=sql) -%}
    {%- for relation, other in inputs.items() -%}
        {%- set query.sql = query.sql.replace(relation, other) -%}
    {%- endfor -%}
    {{ return(query.sql) }}
{%- endmacro %}

{#- The loans that the new loads can change, as rows of loan_applications. -#}
{% macro changed_loans(increment) -%}
    select *
    from {{ relation_of('gold', 'loan_applications') }}
    where
        loan_id in (select loan_id from changed.applications)
        {%- if increment == 'labels' %}
        or loan_id in (select {{ text_value('loan_id') }} from {{ relation_of('changed', 'lms_loan_daily') }})
        or loan_id in (
            select loan_id
            from {{ previous_table('gold', 'label_maturity') }}
            where maturity in ('open', 'missing_repayment_month')
        )
        {%- endif %}
{%- endmacro %}

{#- After loan_applications: those that the new loads can change, and the days of these and of those
    that are no more. -#}
{% macro find_changed_applications() -%}
    {%- if execute and env_var('WAREHOUSE_PREVIOUS_RUN', '') -%}
        create or replace table changed.applications as
        select applications.*
        from {{ relation_of('gold', 'loan_applications') }} as applications
        where
            loan_id in (
                select loan_id
                from (
                    select * from {{ relation_of('gold', 'loan_applications') }}
                    except
                    select * from {{ previous_table('gold', 'loan_applications') }}
                )
            )
            or exists (
                select 1
                from changed.customers as customers
                where
                    applications.customer_id = customers.customer_id
                    and applications.application_date >= customers.since
            );
        create or replace table changed.application_dates as
        select application_date from changed.applications
        union
        select application_date from ({{ rows_of_one_run('loan_applications') }})
    {%- endif -%}
{%- endmacro %}

{#- After label_store: what `training` and `months` build. -#}
{% macro find_changed_labels() -%}
    {%- if execute and env_var('WAREHOUSE_PREVIOUS_RUN', '') -%}
        create or replace table changed.labels as
        {{ rows_of_one_run('label_store') }};
        create or replace table changed.training_loans as
        select loan_id from changed.applications
        union
        select loan_id from changed.labels
        where label_definition = '{{ var('default_label') }}';
        create or replace table changed.months as
        select cast(date_trunc('month', application_date) as date) as month
        from (
            select application_date from changed.application_dates
            union all
            select application_date from changed.labels
            union all
            select application_date from {{ relation_of('gold', 'loan_applications') }}
            where {{ is_reference_changed() }}
        )
        group by month
    {%- endif -%}
{%- endmacro %}

{#- The rows of a table of gold that only this run or only the one before has. -#}
{% macro rows_of_one_run(name) -%}
    {%- set now, before = relation_of('gold', name), previous_table('gold', name) -%}
    (select * from {{ now }} except select * from {{ before }})
    union all
    (select * from {{ before }} except select * from {{ now }})
{%- endmacro %}

{#- Before the models: the rows of bronze that are new or judged anew, and whom they concern. -#}
{% macro find_changes() -%}
    {%- if execute and env_var('WAREHOUSE_PREVIOUS_RUN', '') -%}
        {%- set names = contracted_sources() -%}
        {%- set last_load -%}
            (select max(load_id) from {{ previous_table('bronze', 'loads/*') }})
        {%- endset -%}
        create schema if not exists changed;
        {% for name in names -%}
        {%- set key = text_value((source_meta(name, 'key') | reject('equalto', source_meta(name, 'date_column')) | list)[0]) -%}
        {%- set day = snapshot_date_of(name) -%}
        create table changed.{{ name }} as
        with new_rows as (
            select * from {{ relation_of('bronze', name) }}
            where _load_id > {{ last_load }}
        ),

        -- the keys are then worked out of rows of these days only
        older_rows_of_their_days as (
            select * from {{ relation_of('bronze', name) }}
            where {{ day }} in (select {{ day }} from new_rows) and _load_id <= {{ last_load }}
        )

        select * from new_rows
        union all
        select * from older_rows_of_their_days
        where ({{ key }}, {{ day }}) in (
            select {{ key }}, {{ day }} from new_rows
            where {{ key }} is not null
        );
        {% endfor -%}
        create view changed.bronze_rows as
        {%- for name in names %}
        select '{{ name }}' as source, _load_id as load_id, _row_number as row_number
        from changed.{{ name }}
        {{ 'union all' if not loop.last }}
        {%- endfor %};
        create table changed.customers as
        select customer_id, min(snapshot_date) as since
        from (
            {%- for name in names %}
            select {{ text_value('Customer_ID') }} as customer_id, {{ snapshot_date_of(name) }} as snapshot_date
            from changed.{{ name }}
            {{ 'union all' if not loop.last }}
            {%- endfor %}
        )
        where customer_id is not null and snapshot_date is not null
        group by customer_id
    {%- endif -%}
{%- endmacro %}

{% macro previous_table(schema, name) -%}
    read_parquet('{{ previous_files(schema, name) }}')
{%- endmacro %}

{% macro previous_files(schema, name) -%}
    {{ (env_var('WAREHOUSE_PREVIOUS_RUN') ~ '/' ~ schema ~ '/' ~ name ~ '.*parquet') | replace("'", "''") }}
{%- endmacro %}

{% macro relation_of(schema, name) -%}
    {{ return(api.Relation.create(database=target.database, schema=schema, identifier=name) | string) }}
{%- endmacro %}
