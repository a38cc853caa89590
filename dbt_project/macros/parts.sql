{#-
    A wide table of many loans is made part by part, because sums and sorts of hundreds of columns
    of all of them at once ask for more memory than a machine may have. A part holds the loans of a
    range of customers and is a file of its own: <model>.001.parquet, <model>.002.parquet, ...

    The models know nothing of it: a part is the model's SQL over those customers' rows of the
    relation that `parts` in dbt_project.yml names. That is right for every model with one row per
    row of it, made of rows of the same customer. Up to var loans_a_part there is one file.

    Returns a list of {suffix, sql}.
-#}
{% macro parts_of(model, sql) -%}
    {%- set relation = model.config.meta.get('parts') -%}
    {%- set loans = relation_of('gold', 'loan_applications') -%}
    {%- set parts = namespace(count=1, made=[]) -%}
    {%- if relation -%}
        {%- set rows = run_query('select count(*) from ' ~ loans).columns[0][0] -%}
        {%- set parts.count = (rows / var('loans_a_part')) | round(0, 'ceil') | int -%}
    {%- endif -%}
    {%- if parts.count <= 1 -%}
        {{ return([{'suffix': '', 'sql': sql}]) }}
    {%- endif -%}
    {%- set shares = [] -%}
    {%- for part in range(1, parts.count) -%}{%- do shares.append(part / parts.count) -%}{%- endfor -%}
    {%- set cuts = run_query(
        'select unnest(' ~ quantiles('customer_id', shares) ~ ') from ' ~ loans
    ).columns[0].values() -%}
    {%- set relation = relation_of('gold', relation) -%}
    {%- for part in range(parts.count) -%}
        {%- set condition = [] -%}
        {%- if not loop.first -%}{%- do condition.append("customer_id > '" ~ cuts[part - 1] | replace("'", "''") ~ "'") -%}{%- endif -%}
        {%- if not loop.last -%}{%- do condition.append("customer_id <= '" ~ cuts[part] | replace("'", "''") ~ "'") -%}{%- endif -%}
        {%- set rows = '(select * from ' ~ relation ~ ' where ' ~ condition | join(' and ')
            ~ (' or customer_id is null' if loop.last else '') ~ ')' -%}
        {%- do parts.made.append({'suffix': '.%03d' % loop.index, 'sql': sql.replace(relation, rows)}) -%}
    {%- endfor -%}
    {{ return(parts.made) }}
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
