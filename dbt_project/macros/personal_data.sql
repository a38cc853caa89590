{#-
    After every model (post-hook in dbt_project.yml): fails where a table of silver or gold has a
    column that is named like a personal column of a source, or a text that looks like an SSN. A
    boolean may be named so: it tells no more than whether the value is valid.
-#}
{% macro refuse_personal_data(relation) -%}
    {%- if execute and target.type == 'duckdb' -%}
        {%- set personal = [] -%}
        {%- for contract in source_contracts().values() -%}
            {%- for column in contract.columns.values() if column.config.get('meta', {}).get('personal') -%}
                {%- do personal.append(column.name) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set named_like_it = '(^|_)(' ~ personal | join('|') | lower ~ ')(_|$)' -%}
        {%- set columns = run_query(column_types(relation)).rows -%}
        {%- set conditions = [] -%}
        {%- for column, data_type in columns -%}
            {%- if data_type != 'boolean' and modules.re.search(named_like_it, column | lower) -%}
                {{ exceptions.raise_compiler_error(
                    relation.schema ~ '.' ~ relation.identifier ~ ' has a column ' ~ column
                    ~ ', named like a personal column of a source: these stop at bronze'
                ) }}
            {%- elif 'varchar' in data_type or data_type == 'json' -%}
                {#- the dashes first: found sooner than a pattern, and in next to no text -#}
                {%- set text = 'cast(' ~ adapter.quote(column) ~ ' as varchar)' -%}
                {%- do conditions.append(
                    text ~ " like '%-%-%' and " ~ matches(text, '[0-9]{3}-[0-9]{2}-[0-9]{4}')
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set found = 'select 1 from ' ~ relation ~ ' where ' ~ conditions | join(' or ') ~ ' limit 1' -%}
        {%- if conditions and run_query(found).rows | length -%}
            {{ exceptions.raise_compiler_error(
                relation.schema ~ '.' ~ relation.identifier ~ ' has a text that looks like an SSN:'
                ~ ' personal data stops at bronze'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
