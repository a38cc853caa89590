{#-
    What DuckDB and Spark write or do differently: one macro a difference, so that a model is
    written once and gives the same rows on both. default__ is DuckDB's way, spark__ is Spark's.
    Days and months are in dates.sql, where tables are stored in parquet.sql.
-#}

{#- Whether a text matches a regular expression; write [.] and not \. for a dot. -#}
{% macro matches(text, pattern) -%}
    {{ return(adapter.dispatch('matches')(text, pattern)) }}
{%- endmacro %}

{% macro default__matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__matches(text, pattern) -%}
    regexp_like({{ text }}, '{{ java_pattern(pattern) }}')
{%- endmacro %}

{#- What a group of a regular expression holds, '' where the text does not match. -#}
{% macro captured(text, pattern, group) -%}
    {{ return(adapter.dispatch('captured')(text, pattern, group)) }}
{%- endmacro %}

{% macro default__captured(text, pattern, group) -%}
    regexp_extract({{ text }}, '{{ pattern }}', {{ group }})
{%- endmacro %}

{% macro spark__captured(text, pattern, group) -%}
    regexp_extract({{ text }}, '{{ java_pattern(pattern) }}', {{ group }})
{%- endmacro %}

{#- Java's $ stands before a last line break too, and its dot knows more line breaks than \n. -#}
{% macro java_pattern(pattern) -%}
    (?d){{ modules.re.sub('[$]$', '\\\\\\\\z', pattern) }}
{%- endmacro %}

{#- A text without the blanks around it: spaces of all scripts, tabs, line ends, invisible ones. -#}
{% macro trimmed(text) -%}
    {{ return(adapter.dispatch('trimmed')(text)) }}
{%- endmacro %}

{% macro default__trimmed(text) -%}
    regexp_replace({{ text }}, '^[\s\v\pZ\x{85}\x{200b}-\x{200d}\x{2060}\x{feff}]+|[\s\v\pZ\x{85}\x{200b}-\x{200d}\x{2060}\x{feff}]+$', '', 'g')
{%- endmacro %}

{% macro spark__trimmed(text) -%}
    regexp_replace({{ text }}, r'^[\s\x0b\pZ\x{85}\x{200b}-\x{200d}\x{2060}\x{feff}]+|[\s\x0b\pZ\x{85}\x{200b}-\x{200d}\x{2060}\x{feff}]+$', '')
{%- endmacro %}

{#- A double as another type of number; a decimal is rounded half away from zero, as DuckDB does. -#}
{% macro number_as(number, data_type) -%}
    {{ return(adapter.dispatch('number_as')(number, data_type)) }}
{%- endmacro %}

{% macro default__number_as(number, data_type) -%}
    cast({{ number }} as {{ data_type }})
{%- endmacro %}

{% macro spark__number_as(number, data_type) -%}
    {%- set scale = modules.re.findall('^decimal.*, ([0-9]+)', data_type) -%}
    {%- if scale -%}
    {%- set units = 10 ** (scale[0] | int) -%}
    cast(cast(round({{ number }} * {{ units }}) as decimal(20, 0)) / {{ units }} as {{ data_type }})
    {%- else -%}
    cast({{ number }} as {{ data_type }})
    {%- endif -%}
{%- endmacro %}

{#- A sum of integers whose squares do not overflow either: DuckDB's sums have 128 bits. -#}
{% macro wide_sum(integer) -%}
    {{ return(adapter.dispatch('wide_sum')(integer)) }}
{%- endmacro %}

{% macro default__wide_sum(integer) -%}
    sum({{ integer }})
{%- endmacro %}

{% macro spark__wide_sum(integer) -%}
    sum(cast({{ integer }} as decimal(20, 0)))
{%- endmacro %}

{#- An integer as a type that holds the product of two of them. -#}
{% macro wide(integer) -%}
    {{ return(adapter.dispatch('wide')(integer)) }}
{%- endmacro %}

{% macro default__wide(integer) -%}
    cast({{ integer }} as hugeint)
{%- endmacro %}

{% macro spark__wide(integer) -%}
    cast({{ integer }} as decimal(20, 0))
{%- endmacro %}

{#- A list of the given expressions. -#}
{% macro list_of(expressions) -%}
    {{ return(adapter.dispatch('list_of')(expressions)) }}
{%- endmacro %}

{% macro default__list_of(expressions) -%}
    [{{ expressions | join(', ') }}]
{%- endmacro %}

{% macro spark__list_of(expressions) -%}
    array({{ expressions | join(', ') }})
{%- endmacro %}

{#- The list without its nulls. -#}
{% macro without_nulls(list) -%}
    {{ return(adapter.dispatch('without_nulls')(list)) }}
{%- endmacro %}

{% macro default__without_nulls(list) -%}
    list_filter({{ list }}, lambda element: element is not null)
{%- endmacro %}

{% macro spark__without_nulls(list) -%}
    array_compact({{ list }})
{%- endmacro %}

{#- The list with an expression of `element` in the place of every element. -#}
{% macro list_mapped(list, expression) -%}
    {{ return(adapter.dispatch('list_mapped')(list, expression)) }}
{%- endmacro %}

{% macro default__list_mapped(list, expression) -%}
    list_transform({{ list }}, lambda element: {{ expression }})
{%- endmacro %}

{% macro spark__list_mapped(list, expression) -%}
    transform({{ list }}, element -> {{ expression }})
{%- endmacro %}

{#- How many elements a list has; with a condition on `element`, how many meet it. As bigint. -#}
{% macro list_count(list, condition=none) -%}
    {{ return(adapter.dispatch('list_count')(list, condition)) }}
{%- endmacro %}

{% macro default__list_count(list, condition) -%}
    {%- if condition -%}
    len(list_filter({{ list }}, lambda element: {{ condition }}))
    {%- else -%}
    len({{ list }})
    {%- endif -%}
{%- endmacro %}

{% macro spark__list_count(list, condition) -%}
    {%- if condition -%}
    cast(array_size(filter({{ list }}, element -> {{ condition }})) as bigint)
    {%- else -%}
    cast(array_size({{ list }}) as bigint)
    {%- endif -%}
{%- endmacro %}

{#- An element of a list; the first is 1. -#}
{% macro list_element(list, position) -%}
    {{ return(adapter.dispatch('list_element')(list, position)) }}
{%- endmacro %}

{% macro default__list_element(list, position) -%}
    {{ list }}[{{ position }}]
{%- endmacro %}

{% macro spark__list_element(list, position) -%}
    {{ list }}[{{ position - 1 }}]
{%- endmacro %}

{#- The quantiles of a group as a list: values that occur, none of them interpolated. -#}
{% macro quantiles(value, shares) -%}
    {{ return(adapter.dispatch('quantiles')(value, shares)) }}
{%- endmacro %}

{% macro default__quantiles(value, shares) -%}
    quantile_disc({{ value }}, [{{ shares | join(', ') }}])
{%- endmacro %}

{% macro spark__quantiles(value, shares) -%}
    array(
        {%- for share in shares %}
        percentile_disc({{ share }}) within group (order by {{ value }}){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- The types of a table's columns, by the names that DuckDB gives them, in lower case. -#}
{% macro column_types(relation, columns) -%}
    {{ return(adapter.dispatch('column_types')(relation, columns)) }}
{%- endmacro %}

{% macro default__column_types(relation, columns) -%}
    select
        column_name,
        lower(data_type) as data_type
    from duckdb_columns()
    where schema_name = '{{ relation.schema }}' and table_name = '{{ relation.identifier }}'
{%- endmacro %}

{% macro spark__column_types(relation, columns) -%}
    select
        column_name,
        case data_type when 'string' then 'varchar' when 'int' then 'integer' else data_type end as data_type
    from (
        select
            {%- for column in columns %}
            typeof({{ column }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (select * from {{ relation }} limit 1)
    )
    unpivot (data_type for column_name in ({{ columns | join(', ') }}))
{%- endmacro %}

{#- In a select list: one row for each element of a list. -#}
{% macro unnested(list) -%}
    {{ return(adapter.dispatch('unnested')(list)) }}
{%- endmacro %}

{% macro default__unnested(list) -%}
    unnest({{ list }})
{%- endmacro %}

{% macro spark__unnested(list) -%}
    explode({{ list }})
{%- endmacro %}

{#- Values as JSON, nulls included: {name: expression}. -#}
{% macro json_of(values) -%}
    {{ return(adapter.dispatch('json_of')(values)) }}
{%- endmacro %}

{% macro default__json_of(values) -%}
    json_object(
        {%- for name, expression in values.items() %}
        '{{ name }}', {{ expression }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{% macro spark__json_of(values) -%}
    to_json(named_struct(
        {%- for name, expression in values.items() %}
        '{{ name }}', {{ expression }}{{ ',' if not loop.last }}
        {%- endfor %}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}

{#- All columns of a relation but the given ones. -#}
{% macro all_but(relation, columns) -%}
    {{ return(adapter.dispatch('all_but')(relation, columns)) }}
{%- endmacro %}

{% macro default__all_but(relation, columns) -%}
    {{ relation }}.* exclude ({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__all_but(relation, columns) -%}
    {{ relation }}.* except ({{ columns | join(', ') }})
{%- endmacro %}

{#- What dbt writes for a value of a unit test; dbt-spark's own knows no lists. -#}
{% macro spark__safe_cast(field, type) -%}
    {%- if field is sequence and field is not string -%}
        {%- set field = "array('" ~ field | join("', '") ~ "')" if field else 'array()' -%}
    {%- endif -%}
    cast({{ field }} as {{ type }})
{%- endmacro %}
