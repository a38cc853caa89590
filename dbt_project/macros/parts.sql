{#-
    A table is one file, <model>.parquet, or several, <model>.001.parquet, <model>.002.parquet, ...
    The models know nothing of it. There are two reasons for several:

    appends: what a new load adds to a large table of the run before becomes one more file beside
        the files of that run, which are linked into the new one. Where the load changes rows that
        are there, or has brought so many files already (var appended_files), the table is written
        anew.
    in_parts: a wide table of many loans is made part by part, because sums and sorts of hundreds of
        columns of all of them at once ask for more memory than a machine may have. A part holds the
        loans of a range of customers: the model's SQL over the rows that its inputs have of those
        customers. That is right for a model whose rows are made of rows of the same customer. Up to
        var loans_a_part loans there is one file.

    Returns {kept: {file: the file of the run before that it is}, made: {file: its query}}.
-#}
{% macro files_of(model, sql) -%}
    {%- set path = adapter.external_root() ~ '/' ~ model.schema ~ '/' ~ model.name -%}
    {%- set kept, made = {}, {} -%}
    {%- set increment = increment_of(model) -%}
    {%- set part = part_to_build(model, sql, increment) if increment -%}
    {%- set may_append = increment and model.config.meta.get('appends') -%}
    {%- set rows, files_before = rows_and_files_to_keep(model, part) if may_append else (0, []) -%}
    {%- if files_before -%}
        {%- set is_added = rows > 0 -%}
        {%- set names = file_names(path, files_before | length + is_added) -%}
        {%- for file in files_before -%}{%- do kept.update({names[loop.index0]: file}) -%}{%- endfor -%}
        {%- if is_added -%}{%- do made.update({names[-1]: with_inputs(sql, part.inputs)}) -%}{%- endif -%}
    {%- else -%}
        {%- set queries = parts_of(model, increment_query(model, sql, part) if increment else sql) -%}
        {%- for name in file_names(path, queries | length) -%}
            {%- do made.update({name: queries[loop.index0]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return({'kept': kept, 'made': made}) }}
{%- endmacro %}

{% macro file_names(path, count) -%}
    {%- set names = [] -%}
    {%- for number in range(1, count + 1) -%}
        {%- do names.append(path ~ ('.%03d' % number if count > 1 else '') ~ '.parquet') -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#-
    The number of rows that decide over the part, and the files of the run before, in order, that all
    stay as they are; [] where not all can.
-#}
{% macro rows_and_files_to_keep(model, part) -%}
    {%- set rows, rows_lost, files = run_query(
        'select (' ~ part.count ~ '), (select count(*) from ' ~ previous_table(model.schema, model.name)
        ~ ' where (' ~ part.is_kept ~ ') is not true), (select string_agg(file, chr(10) order by file)'
        ~ " from glob('" ~ previous_files(model.schema, model.name) ~ "'))"
    ).rows[0].values() -%}
    {%- set files = files.split('\n') -%}
    {%- set is_wide = model.config.meta.get('in_parts') -%}
    {%- set most_files = (parts_needed() if is_wide else 1) + var('appended_files') -%}
    {%- set is_small = not is_wide or rows <= var('loans_a_part') -%}
    {%- set is_appended = rows_lost == 0 and is_small and files | length < most_files -%}
    {{ return((rows, files if is_appended else [])) }}
{%- endmacro %}

{#- The queries of the parts of a table; one where it is made whole. -#}
{% macro parts_of(model, sql) -%}
    {%- set cuts = part_cuts() if model.config.meta.get('in_parts') else [] -%}
    {%- if not cuts -%}
        {{ return([sql]) }}
    {%- endif -%}
    {%- set inputs = [] -%}
    {%- for id in model.depends_on.nodes if id in graph.nodes -%}
        {%- set relation = relation_of(graph.nodes[id].schema, graph.nodes[id].name) -%}
        {%- if 'customer_id' in run_query('select * from ' ~ relation ~ ' limit 0').column_names -%}
            {%- do inputs.append(relation) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- the rows that an increment takes over from the table before -#}
    {%- if env_var('WAREHOUSE_PREVIOUS_RUN', '') -%}
        {%- do inputs.append(previous_table(model.schema, model.name)) -%}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for part in range(cuts | length + 1) -%}
        {%- set limits = [] -%}
        {%- if not loop.first -%}{%- do limits.append("customer_id > '" ~ cuts[part - 1] ~ "'") -%}{%- endif -%}
        {%- if not loop.last -%}{%- do limits.append("customer_id <= '" ~ cuts[part] ~ "'") -%}{%- endif -%}
        {%- set condition = limits | join(' and ') ~ (' or customer_id is null' if loop.last else '') -%}
        {%- set rows = {} -%}
        {%- for relation in inputs -%}
            {%- do rows.update({relation: '(select * from ' ~ relation ~ ' where ' ~ condition ~ ')'}) -%}
        {%- endfor -%}
        {%- do parts.append(with_inputs(sql, rows)) -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{#- The number of parts that a wide table is made in. -#}
{% macro parts_needed() -%}
    {%- set loans = run_query('select count(*) from ' ~ relation_of('gold', 'loan_applications')) -%}
    {{ return([1, (loans.columns[0][0] / var('loans_a_part')) | round(0, 'ceil') | int] | max) }}
{%- endmacro %}

{#- The customers, as texts of SQL, with whom a part ends and the next begins; [] for one part. -#}
{% macro part_cuts() -%}
    {%- set parts = parts_needed() -%}
    {%- set shares = [] -%}
    {%- for part in range(1, parts) -%}{%- do shares.append(part / parts) -%}{%- endfor -%}
    {%- if not shares -%}{{ return([]) }}{%- endif -%}
    {%- set cuts = "select replace(unnest(" ~ quantiles('customer_id', shares) ~ "), '''', '''''') from " -%}
    {{ return(run_query(cuts ~ relation_of('gold', 'loan_applications')).columns[0].values() | list) }}
{%- endmacro %}
