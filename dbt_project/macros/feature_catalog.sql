{#-
    The features of the feature store: the columns with a feature_group in the yml of the groups'
    models, and those of the clickstream by their pattern. From dbt's graph and not from the
    database, so that the models compile where nothing is built.
-#}
{% macro catalogued_features() -%}
    {%- set features = [] -%}
    {%- for group in ['application'] + feature_groups() | list if execute -%}
        {%- for node in graph.nodes.values() if node.name == group ~ '_features' and node.resource_type == 'model' -%}
            {%- for column in node.columns.values() if column.config.get('meta', {}).get('feature_group') -%}
                {%- do features.append(column) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for feature in clickstream_statistics() if group == 'clickstream' -%}
            {%- do features.append({
                'name': feature.name, 'description': feature.description, 'data_type': none,
                'config': {'meta': {'feature_group': group, 'source_column': feature.source_column}},
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(features) }}
{%- endmacro %}

{#-
    What uses a sensitive feature: the tables with a column of this name that is marked sensitive,
    then the exposures that read one of them. Empty for a feature that is not marked.
-#}
{% macro sensitive_uses(feature) -%}
    {%- set tables = {} -%}
    {%- for node in (graph.nodes.values() | list + graph.sources.values() | list if execute else []) -%}
        {%- for column in (node.columns or {}).values() if column.name | lower == feature -%}
            {%- if column.config.get('meta', {}).get('sensitive') -%}
                {%- do tables.update({node.unique_id: node.schema ~ '.' ~ node.name}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set readers = [] -%}
    {%- for exposure in graph.exposures.values() if exposure.depends_on.nodes | select('in', tables) | list -%}
        {%- do readers.append(exposure.label) -%}
    {%- endfor -%}
    {{ return(tables.values() | sort + readers | sort) }}
{%- endmacro %}

{#-
    The known values of all features that are numbers, or of all that are texts (data_type: varchar
    in the yml), one a row: the kept columns of a relation, the feature's number and the value. A
    feature goes by its place among the features, because a join or a sort by numbers takes half the
    time of one by names; named_features() has its name.
-#}
{% macro feature_numbers(relation, kept) -%}
    {{ feature_values(relation, kept, 'double', texts=false) }}
{%- endmacro %}

{% macro feature_texts(relation, kept) -%}
    {{ feature_values(relation, kept, 'string', texts=true) }}
{%- endmacro %}

{% macro feature_values(relation, kept, type, texts) -%}
    {%- set values, places = [], [] -%}
    {%- for feature in catalogued_features() -%}
        {%- if texts == (feature.data_type == 'varchar') -%}
            {%- do places.append(adapter.quote(loop.index)) -%}
            {%- do values.append('try_cast(' ~ feature.name ~ ' as ' ~ type ~ ') as ' ~ places[-1]) -%}
        {%- endif -%}
    {%- endfor -%}
    select
        {{ kept | join(', ') }},
        cast(place as smallint) as feature_number,
        value
    from (
        select
            {{ kept | join(', ') }},
            {{ values | join(',\n            ') }}
        from {{ relation }}
    )
    unpivot (value for place in ({{ places | join(', ') }}))
{%- endmacro %}

{#- The features by their number, see feature_numbers. -#}
{% macro named_features() -%}
    select * from (values
        {%- for feature in catalogued_features() %}
        ('{{ feature.name }}', {{ loop.index }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as listed (feature, feature_number)
{%- endmacro %}

{#-
    The applications that statistics are made of: all of them, or, where there are more than
    statistics_loans, so many drawn by a hash of their loan_id: by chance, and always the same.
-#}
{% macro sampled_applications() -%}
    (
        select * from {{ ref('loan_applications') }}
        order by md5(loan_id), loan_id
        limit {{ var('statistics_loans') }}
    )
{%- endmacro %}
