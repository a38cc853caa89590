{#- A bronze table as written in models/bronze/_bronze.yml. -#}
{% macro bronze_table(name) -%}
    {%- for node in graph.sources.values() if node.source_name == 'bronze' and node.name == name -%}
        {{ return(node) }}
    {%- endfor -%}
{%- endmacro %}

{#- The contract of a bronze table: its meta and columns. Unit tests put their own in its place. -#}
{% macro source_contract(name) -%}
    {{ return(bronze_table(name)) }}
{%- endmacro %}

{#- One fact of a source's contract, e.g. source_meta('feature_clickstream', 'delay_days'). -#}
{% macro source_meta(name, key) -%}
    {%- if execute -%}
        {{ return(source_contract(name).config.meta[key]) }}
    {%- endif -%}
{%- endmacro %}

{#- The column that with the date tells the rows of a bronze table apart, in quotes. -#}
{% macro key_column(name) -%}
    {%- if execute -%}
        {%- set meta = bronze_table(name).config.meta -%}
        {%- for column in meta.key if column != meta.date_column -%}
            {{ return(adapter.quote(column)) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- The file's own columns, in file order, without the provenance (which starts with _). -#}
{% macro raw_columns(name, personal=true) -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- for column in source_contract(name).columns.values() -%}
            {%- if not column.name.startswith('_')
                and (personal or not column.config.get('meta', {}).get('personal')) -%}
                {%- do columns.append(column.name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}
