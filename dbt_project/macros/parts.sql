{#-
    A wide table of many loans is made part by part, because sums and sorts of hundreds of columns
    of all of them at once ask for more memory than a machine may have. A part holds the loans of a
    range of customers and is a file of its own: <model>.001.parquet, <model>.002.parquet, ...

    The models know nothing of it: a part is the model's SQL over the rows that its inputs have of
    those customers. That is right for a model whose rows are made of rows of the same customer;
    `in_parts` in dbt_project.yml says so. Up to var loans_a_part loans there is one file.

    Returns a list of {suffix, sql}.
-#}
{% macro parts_of(model, sql) -%}
    {%- set cuts = part_cuts() if model.config.meta.get('in_parts') else [] -%}
    {%- if not cuts -%}
        {{ return([{'suffix': '', 'sql': sql}]) }}
    {%- endif -%}
    {%- set inputs = [] -%}
    {%- for id in model.depends_on.nodes if id in graph.nodes -%}
        {%- set relation = relation_of(graph.nodes[id].schema, graph.nodes[id].name) -%}
        {%- if 'customer_id' in run_query('select * from ' ~ relation ~ ' limit 0').column_names -%}
            {%- do inputs.append(relation) -%}
        {%- endif -%}
    {%- endfor -%}
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
        {%- do parts.append({'suffix': '.%03d' % loop.index, 'sql': with_inputs(sql, rows)}) -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{#- The customers, as texts of SQL, with whom a part ends and the next begins; [] for one part. -#}
{% macro part_cuts() -%}
    {%- set loans = relation_of('gold', 'loan_applications') -%}
    {%- set rows = run_query('select count(*) from ' ~ loans).columns[0][0] -%}
    {%- set parts = (rows / var('loans_a_part')) | round(0, 'ceil') | int -%}
    {%- set shares = [] -%}
    {%- for part in range(1, parts) -%}{%- do shares.append(part / parts) -%}{%- endfor -%}
    {%- if not shares -%}{{ return([]) }}{%- endif -%}
    {%- set cuts = "select replace(unnest(" ~ quantiles('customer_id', shares) ~ "), '''', '''''') from " -%}
    {{ return(run_query(cuts ~ loans).columns[0].values() | list) }}
{%- endmacro %}

{#- A table that was made in other parts before would be read together with the new ones. -#}
{% macro refuse_other_parts(path, files) -%}
    {%- set others = run_query(
        "select file from glob('" ~ path ~ ".*parquet') where file not in ('" ~ files | join("', '") ~ "')"
    ).columns[0].values() -%}
    {%- if others -%}
        {{ exceptions.raise_compiler_error(
            others[0] ~ ' is a part of a table that is now made in other parts: run'
            ~ ' `python main.py --rebuild`, which builds in an empty folder'
        ) }}
    {%- endif -%}
{%- endmacro %}
