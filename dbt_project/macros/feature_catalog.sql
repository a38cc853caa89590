{#-
    The features, in the order of the feature store: every column of a group's model but the spine
    and the group's provenance, as the model's yml describes it; behind them those that a macro
    names and describes by pattern (meta features_by of the model). From dbt's graph and not from the
    database, so that the models compile where nothing is built.

    [{name, description, data_type, feature_group, source_column, is_sensitive,
    is_zero_without_history}]; data_type is varchar for a text, null for a number.
-#}
{% macro catalogued_features() -%}
    {%- set features = [] -%}
    {%- for group in ['application'] + feature_groups() | list if execute -%}
        {%- set model = graph.nodes['model.' ~ project_name ~ '.' ~ group ~ '_features'] -%}
        {%- set others = spine_columns() + provenance_columns(group) -%}
        {%- set described = model.columns.values() | rejectattr('name', 'in', others) | list -%}
        {%- set features_by = model.config.meta.get('features_by') -%}
        {%- for feature in described + (context[features_by]() if features_by else []) -%}
            {#- a column of the yml has its facts in config.meta, a feature of the macro at its top -#}
            {%- set meta = feature.config.get('meta', {}) if feature.config else feature -%}
            {%- do features.append({
                'name': feature.name, 'description': feature.description,
                'data_type': feature.data_type or none, 'feature_group': group,
                'source_column': meta.get('source_column'),
                'is_sensitive': meta.get('sensitive', false),
                'is_zero_without_history': meta.get('is_zero_without_history', false),
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(features) }}
{%- endmacro %}

{#- The columns that a feature table begins with. -#}
{% macro spine_columns() -%}
    {{ return(['loan_id', 'customer_id', 'application_date']) }}
{%- endmacro %}

{#- The columns of a group that say which snapshot was used; the group application has none. -#}
{% macro provenance_columns(group) -%}
    {%- set columns = [group ~ '_snapshot_date', group ~ '_age_days', group ~ '_null_reason'] -%}
    {{ return([] if group == 'application' else columns) }}
{%- endmacro %}

{#- Which rows of its source a group may use, in words. -#}
{% macro rule_in_words(group) -%}
    {%- if group == 'application' or not execute -%}
        {{ return('known at the application by definition') }}
    {%- endif -%}
    {%- set name = feature_groups()[group] -%}
    {%- set delay_days, max_age_days = source_meta(name, 'delay_days'), source_meta(name, 'max_age_days') -%}
    {%- set words = [
        'snapshots dated ' ~ ('on or before' if source_meta(name, 'boundary') == 'inclusive' else 'before')
        ~ ' the application date',
        'in the latest version' if source_meta(name, 'corrections') == 'retroactive'
        else 'in the version known by that day',
    ] -%}
    {%- if delay_days -%}{%- do words.append('available ' ~ delay_days ~ ' days after their date') -%}{%- endif -%}
    {%- if max_age_days is not none -%}{%- do words.append('at most ' ~ max_age_days ~ ' days old') -%}{%- endif -%}
    {{ return(words | join(', ')) }}
{%- endmacro %}

{#-
    The users of a sensitive feature: the tables that hold it (those with a column of this name that is
    marked sensitive, and the two that hold all features), then the exposures that read one of them.
-#}
{% macro sensitive_uses(feature) -%}
    {%- set tables = {} -%}
    {%- for node in (graph.nodes.values() | list + graph.sources.values() | list if execute else []) -%}
        {%- if node.resource_type == 'model' and node.name in ('feature_store', 'training_set') -%}
            {%- do tables.update({node.unique_id: node.schema ~ '.' ~ node.name}) -%}
        {%- endif -%}
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
{% macro feature_values(relation, kept, texts=false) -%}
    {%- set type = 'string' if texts else 'double' -%}
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

{#- The features by their number, see feature_values. -#}
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

{#- A text as SQL writes it; null for none or for nothing but blanks. -#}
{% macro sql_text(text) -%}
    {%- set trimmed_text = (text or '') | trim | replace('\n', ' ') -%}
    {{ return("'" ~ trimmed_text | replace("'", "''") ~ "'" if trimmed_text else 'cast(null as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}
