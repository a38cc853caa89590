{#-
    Cleaning of one raw text column: *_value macros read the value, cleaning_action says why a
    value became null. Ranges and accepted values are in dbt_project.yml.
-#}

{#-
    Text without blanks around it and without the trailing underscores of this data; '' is null.
    Asking for the underscore costs less than a trim that finds none.
-#}
{% macro text_value(column) -%}
    nullif(case when {{ trimmed(column) }} like '%^_' escape '^' then trim(trailing '_' from {{ trimmed(column) }}) else {{ trimmed(column) }} end, '')
{%- endmacro %}

{#-
    The number a text holds, as double, else null. The pattern comes before the cast because
    engines read 1_000, 1d or nan as numbers, each in its own way; it hands the cast the text itself
    or '', which is no number. Without case, as DuckDB then reads a text that repeats once.
-#}
{% macro number_value(column) -%}
    try_cast({{ captured(
        text_value(column), '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$', 0
    ) }} as double)
{%- endmacro %}

{#- The date of a text in the strptime format of the source contract, else null: never guessed. -#}
{% macro date_value(column, date_format) -%}
    {{ return(adapter.dispatch('date_value')(trimmed(column), date_format)) }}
{%- endmacro %}

{#- A whole number as integer, else null. Most are spelled as DuckDB would write them. -#}
{% macro integer_value(column) -%}
    case
        when cast(try_cast({{ column }} as integer) as string) = {{ column }}
            then try_cast({{ column }} as integer)
        when {{ number_value(column) }} = floor({{ number_value(column) }})
            then try_cast({{ number_value(column) }} as integer)
    end
{%- endmacro %}

{#- The day that a row of a bronze table describes, which the landing wrote as YYYY-MM-DD. -#}
{% macro snapshot_date_value() -%}
    {{ date_value('snapshot_date', '%Y-%m-%d') }}
{%- endmacro %}

{#- The start of the loan that a row of a bronze table belongs to; null in a source without loans. -#}
{% macro loan_start_date_of(name) -%}
    {%- if 'loan_start_date' in raw_columns(name) -%}
    {{ date_value('loan_start_date', source_meta(name, 'date_format')) }}
    {%- else -%}
    cast(null as date)
    {%- endif -%}
{%- endmacro %}

{#- A number as data_type where it is in the valid range of the column, else null. -#}
{% macro in_range(number, column, data_type) -%}
    {%- set lowest, highest = var('valid_ranges')[column] -%}
    case
        when
            {{ number }} between {{ lowest }} and {{ highest }}
            {%- if data_type == 'integer' %}
            and {{ number }} = floor({{ number }})
            {%- endif %}
            then {{ number_as(number, data_type) }}
    end
{%- endmacro %}

{#- A text where it is one of the accepted values of its column, else null. -#}
{% macro accepted(expression, column) -%}
    case
        when {{ expression }} in ('{{ var('accepted_values')[column] | join("', '") }}')
            then {{ expression }}
    end
{%- endmacro %}

{#-
    'column:reason' where the file has a value and the cleaned column has none, else
    null. Reasons: placeholder (a filler such as _ or !@9#%8 or NM), not_a_number, not_accepted
    (a text that is none of the accepted values), out_of_range, inconsistent (in
    range, but contradicts another value of the row).
-#}
{% macro cleaning_action(column, raw, cleaned, number=none, in_range=none) -%}
    case
        when {{ raw }} is null or {{ cleaned }} is not null then null
        {%- if in_range %}
        when {{ in_range }} is not null then '{{ column }}:inconsistent'
        {%- endif %}
        {%- if number %}
        when {{ number }} is not null then '{{ column }}:out_of_range'
        when {{ matches(raw, '^(__.*|[^0-9A-Za-z]*)$') }} then '{{ column }}:placeholder'
        else '{{ column }}:not_a_number'
        {%- else %}
        when {{ matches(raw, '^[A-Za-z][A-Za-z_ -]*$') }} and {{ raw }} <> 'NM'
            then '{{ column }}:not_accepted'
        else '{{ column }}:placeholder'
        {%- endif %}
    end
{%- endmacro %}

{#- The list of the actions that apply to a row, [] for a row that needed none. -#}
{% macro list_of_actions(actions) -%}
    {{ without_nulls(dbt.array_construct(actions)) }}
{%- endmacro %}
