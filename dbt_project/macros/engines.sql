{#-
    Differences of DuckDB and Spark that dbt has no macro for: default__ is DuckDB's
    way, spark__ is Spark's, so that a model is written once and gives the same rows on both.
-#}

{#- Whether a text matches a regular expression; write [.] and not \. for a dot. -#}
{% macro matches(text, pattern) -%}{{ return(adapter.dispatch('matches')(text, pattern)) }}{%- endmacro %}
{% macro default__matches(text, pattern) -%} regexp_matches({{ text }}, '{{ pattern }}') {%- endmacro %}
{% macro spark__matches(text, pattern) -%} regexp_like({{ text }}, '{{ java_pattern(pattern) }}') {%- endmacro %}

{#- What a group of a regular expression holds, '' where the text does not match. -#}
{% macro captured(text, pattern, group) -%}{{ return(adapter.dispatch('captured')(text, pattern, group)) }}{%- endmacro %}
{% macro default__captured(text, pattern, group) -%}
    regexp_extract({{ text }}, '{{ pattern }}', {{ group }})
{%- endmacro %}
{% macro spark__captured(text, pattern, group) -%}
    regexp_extract({{ text }}, '{{ java_pattern(pattern) }}', {{ group }})
{%- endmacro %}

{#- Java's $ also matches before a last line break, and its dot knows more line breaks than \n. -#}
{% macro java_pattern(pattern) -%}
    (?d){{ modules.re.sub('[$]$', '\\\\\\\\z', pattern) }}
{%- endmacro %}

{#- A text without the blanks around it: spaces of all scripts, tabs, line ends, invisible ones. -#}
{% macro trimmed(text) -%}{{ return(adapter.dispatch('trimmed')(text)) }}{%- endmacro %}
{% macro default__trimmed(text) -%}
    {%- set blanks = '[\\s\\x0b\\pZ\\x{85}\\x{200b}-\\x{200d}\\x{2060}\\x{feff}]+' -%}
    regexp_replace({{ text }}, '^{{ blanks }}|{{ blanks }}$', '', 'g')
{%- endmacro %}
{% macro spark__trimmed(text) -%}
    {%- set blanks = '[\\s\\x0b\\pZ\\x{85}\\x{200b}-\\x{200d}\\x{2060}\\x{feff}]+' -%}
    regexp_replace({{ text }}, r'^{{ blanks }}|{{ blanks }}$', '')
{%- endmacro %}

{#- A date as date_value of cleaning.sql reads it. -#}
{% macro default__date_value(text, date_format) -%}
    cast(try_strptime({{ text }}, '{{ date_format }}') as date)
{%- endmacro %}

{#- Spark has no strptime: the parts by a pattern; %y is 1969 to 2068, as it is for strptime. -#}
{% macro spark__date_value(text, date_format) -%}
    {%- set parts = {'%Y': '([0-9]{1,4})', '%y': '([0-9]{1,2})', '%m': '([0-9]{1,2})', '%d': '([0-9]{1,2})'} -%}
    {%- set pieces = modules.re.findall('%.|.', date_format) -%}
    {%- set pattern, values = [], {} -%}
    {%- for piece in pieces -%}{%- do pattern.append(parts.get(piece, '[' ~ piece ~ ']')) -%}{%- endfor -%}
    {%- for directive in pieces | select('in', parts) -%}
        {%- do values.update({directive: captured(text, '^' ~ pattern | join ~ '$', loop.index)}) -%}
    {%- endfor -%}
    try_cast(
        {%- if '%Y' in values %}
        lpad({{ values['%Y'] }}, 4, '0')
        {%- else %}
        case when try_cast({{ values['%y'] }} as integer) < 69 then '20' else '19' end || lpad({{ values['%y'] }}, 2, '0')
        {%- endif %}
        || '-' || {{ values['%m'] }} || '-' || {{ values['%d'] }} as date
    )
{%- endmacro %}

{#- A double as another type of number; a decimal is rounded half away from zero, as DuckDB does. -#}
{% macro number_as(number, data_type) -%}{{ return(adapter.dispatch('number_as')(number, data_type)) }}{%- endmacro %}
{% macro default__number_as(number, data_type) -%} cast({{ number }} as {{ data_type }}) {%- endmacro %}
{% macro spark__number_as(number, data_type) -%}
    {%- set scale = modules.re.findall('^decimal.*, ([0-9]+)', data_type) -%}
    {%- set units = 10 ** (scale[0] | int) if scale else 1 -%}
    cast({{ 'cast(round(' ~ number ~ ' * ' ~ units ~ ') as decimal(20, 0)) / ' ~ units if scale else number }} as {{ data_type }})
{%- endmacro %}

{#- An integer as a type that holds the product of two, and a sum of integers of that type. -#}
{% macro wide(integer) -%}{{ return(adapter.dispatch('wide')(integer)) }}{%- endmacro %}
{% macro default__wide(integer) -%} cast({{ integer }} as hugeint) {%- endmacro %}
{% macro spark__wide(integer) -%} cast({{ integer }} as decimal(20, 0)) {%- endmacro %}

{% macro wide_sum(integer) -%}{{ return(adapter.dispatch('wide_sum')(integer)) }}{%- endmacro %}
{% macro default__wide_sum(integer) -%} sum({{ integer }}) {%- endmacro %}
{% macro spark__wide_sum(integer) -%} sum({{ wide(integer) }}) {%- endmacro %}

{#- The list without its nulls. -#}
{% macro without_nulls(list) -%}{{ return(adapter.dispatch('without_nulls')(list)) }}{%- endmacro %}
{% macro default__without_nulls(list) -%} list_filter({{ list }}, lambda element: element is not null) {%- endmacro %}
{% macro spark__without_nulls(list) -%} array_compact({{ list }}) {%- endmacro %}

{#- The list with an expression of `element` in the place of every element. -#}
{% macro list_mapped(list, expression) -%}{{ return(adapter.dispatch('list_mapped')(list, expression)) }}{%- endmacro %}
{% macro default__list_mapped(list, expression) -%} list_transform({{ list }}, lambda element: {{ expression }}) {%- endmacro %}
{% macro spark__list_mapped(list, expression) -%} transform({{ list }}, element -> {{ expression }}) {%- endmacro %}

{#- How many elements of a list meet a condition on `element`, as bigint. -#}
{% macro list_count(list, condition='true') -%}{{ return(adapter.dispatch('list_count')(list, condition)) }}{%- endmacro %}
{% macro default__list_count(list, condition) -%} len(list_filter({{ list }}, lambda element: {{ condition }})) {%- endmacro %}
{% macro spark__list_count(list, condition) -%}
    cast(array_size(filter({{ list }}, element -> {{ condition }})) as bigint)
{%- endmacro %}

{#- In a select list: one row for each element of a list. -#}
{% macro unnested(list) -%}{{ return(adapter.dispatch('unnested')(list)) }}{%- endmacro %}
{% macro default__unnested(list) -%} unnest({{ list }}) {%- endmacro %}
{% macro spark__unnested(list) -%} explode({{ list }}) {%- endmacro %}

{#- Values as JSON, nulls included: {name: expression}. -#}
{% macro json_of(values) -%}
    {%- set pairs = [] -%}
    {%- for name, expression in values.items() -%}{%- do pairs.append("'" ~ name ~ "', " ~ expression) -%}{%- endfor -%}
    {{ return(adapter.dispatch('json_of')(pairs | join(', '))) }}
{%- endmacro %}
{% macro default__json_of(pairs) -%} json_object({{ pairs }}) {%- endmacro %}
{% macro spark__json_of(pairs) -%} to_json(named_struct({{ pairs }}), map('ignoreNullFields', 'false')) {%- endmacro %}

{#- All columns of a relation but the given ones. -#}
{% macro all_but(relation, columns) -%}
    {{ relation }}.* {{ 'exclude' if target.type == 'duckdb' else 'except' }} ({{ columns | join(', ') }})
{%- endmacro %}

{#- The types of a table's columns in lower case, by DuckDB's catalogue. -#}
{% macro column_types(relation) -%}
    select
        column_name,
        lower(data_type) as data_type
    from duckdb_columns()
    where schema_name = '{{ relation.schema }}' and table_name = '{{ relation.identifier }}'
{%- endmacro %}

{#- What dbt writes for a value of a unit test; dbt-spark's own knows no lists. -#}
{% macro spark__safe_cast(field, type) -%}
    {%- if field is sequence and field is not string -%}
        {%- set field = "array('" ~ field | join("', '") ~ "')" if field else 'array()' -%}
    {%- endif -%}
    cast({{ field }} as {{ type }})
{%- endmacro %}

{#- Dates by dbt's own macros, with one type on both engines: whole calendar days and months. -#}
{% macro months_later(date, months) -%}
    cast({{ dbt.dateadd('month', months, date) }} as date)
{%- endmacro %}
{% macro days_between(earlier, later) -%}
    cast({{ dbt.datediff(earlier, later, 'day') }} as integer)
{%- endmacro %}
{% macro months_between(earlier, later) -%}
    cast({{ dbt.datediff(dbt.date_trunc('month', earlier), dbt.date_trunc('month', later), 'month') }} as bigint)
{%- endmacro %}
