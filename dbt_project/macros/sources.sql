{#-
    The contracts of the bronze tables as written in models/bronze/_bronze.yml: {name: {config,
    columns}}. A unit test, which dbt hands no graph, says by overriding this macro what holds in it.
-#}
{% macro source_contracts() -%}
    {%- set contracts = {} -%}
    {%- for node in graph.sources.values() if node.source_name == 'bronze' -%}
        {%- do contracts.update({node.name: node}) -%}
    {%- endfor -%}
    {{ return(contracts) }}
{%- endmacro %}

{#- The contract of one source. -#}
{% macro source_contract(name) -%}
    {{ return(source_contracts()[name]) }}
{%- endmacro %}

{#- One fact of a source's contract, e.g. source_meta('feature_clickstream', 'delay_days'). -#}
{% macro source_meta(name, key) -%}
    {%- set facts = {
        'key': ['Customer_ID', 'snapshot_date'],
        'customer_column': 'Customer_ID',
        'date_column': 'snapshot_date',
        'date_format': '%Y-%m-%d',
        'delay_days': 0,
        'boundary': 'inclusive',
        'max_age_days': none,
        'corrections': 'as_known',
    } -%}
    {%- if execute -%}
        {%- do facts.update(source_contract(name).config.meta) -%}
    {%- endif -%}
    {{ return(facts[key]) }}
{%- endmacro %}

{#- The key column of a source: what identifies a row of one day. -#}
{% macro source_key(name) -%}
    {{ return(source_meta(name, 'key') | reject('equalto', source_meta(name, 'date_column')) | first) }}
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

{#-
    The feature groups in the order of the feature store, each with the source its snapshots are
    rows of: {group: source}. The group `application` is made of the application itself and has none.
-#}
{% macro feature_groups() -%}
    {%- set groups = {} -%}
    {%- for name, source in var('sources').items() if source.group -%}
        {%- do groups.update({source.group: name}) -%}
    {%- endfor -%}
    {{ return(groups) }}
{%- endmacro %}

{#- The source of a table of silver. -#}
{% macro source_of(silver_table) -%}
    {%- for name, source in var('sources').items() if source.silver == silver_table -%}
        {{ return(name) }}
    {%- endfor -%}
{%- endmacro %}

{#- The columns of a table of silver that hold what its source says: no key, date or provenance. -#}
{% macro value_columns(silver_table) -%}
    {%- set others = [
        'customer_id', 'loan_id', 'loan_start_date', 'snapshot_date', 'cleaning_actions', 'known_from',
        'known_until', 'arrival', 'load_id', 'source_file', 'row_number',
    ] -%}
    {%- set columns = [] -%}
    {%- for column in (graph.nodes['model.' ~ project_name ~ '.' ~ silver_table].columns if execute else []) -%}
        {%- if column not in others -%}{%- do columns.append(column) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#-
    The columns of a table of silver whose values a month can be compared by: {numbers: those with a
    valid range, a number's data_type in the yml, and the counters of the clickstream; texts: those
    with accepted values}.
-#}
{% macro compared_columns(silver_table) -%}
    {%- set numbers, texts = [], [] -%}
    {%- set described = graph.nodes['model.' ~ project_name ~ '.' ~ silver_table].columns if execute else {} -%}
    {%- for column in value_columns(silver_table) -%}
        {%- set data_type = (described[column].data_type or '') | lower -%}
        {%- if column in var('accepted_values') -%}
            {%- do texts.append(column) -%}
        {%- elif
            column in var('valid_ranges') or column in clickstream_counters()
            or modules.re.match('(big|small)?int|double|decimal|float', data_type)
        -%}
            {%- do numbers.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'numbers': numbers, 'texts': texts}) }}
{%- endmacro %}
