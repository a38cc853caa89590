{#- The contract of a bronze table as written in models/bronze/_bronze.yml: its meta and columns. -#}
{% macro source_contract(name) -%}
    {%- for node in graph.sources.values() if node.source_name == 'bronze' and node.name == name -%}
        {{ return(node) }}
    {%- endfor -%}
{%- endmacro %}

{#- One fact of a source's contract, e.g. source_meta('feature_clickstream', 'delay_days'). -#}
{% macro source_meta(name, key) -%}
    {%- if execute -%}
        {{ return(source_contract(name).config.meta[key]) }}
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

{#- The bronze tables that have a contract, in the order of their names. -#}
{% macro contracted_sources() -%}
    {%- set names = [] -%}
    {%- for node in graph.sources.values() if node.config.meta.get('file') -%}
        {%- do names.append(node.name) -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{%- endmacro %}
