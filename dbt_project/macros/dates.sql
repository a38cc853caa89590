{#- The date that a text holds in a strptime format of the source contract, else null. -#}
{% macro parsed_date(text, date_format) -%}
    {{ return(adapter.dispatch('parsed_date')(text, date_format)) }}
{%- endmacro %}

{% macro default__parsed_date(text, date_format) -%}
    cast(try_strptime({{ text }}, '{{ date_format }}') as date)
{%- endmacro %}

{#- Spark has no strptime: the parts by a pattern; %y is 1969 to 2068, as it is for strptime. -#}
{% macro spark__parsed_date(text, date_format) -%}
    {%- set parts = {'%Y': '([0-9]{1,4})', '%y': '([0-9]{1,2})', '%m': '([0-9]{1,2})', '%d': '([0-9]{1,2})'} -%}
    {%- set pieces = modules.re.findall('%.|.', date_format) -%}
    {%- set directives = pieces | select('in', parts) | list -%}
    {%- set pattern = [] -%}
    {%- for piece in pieces -%}{%- do pattern.append(parts.get(piece, '[' ~ piece ~ ']')) -%}{%- endfor -%}
    {%- set values = {} -%}
    {%- for directive in directives -%}
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

{% macro minus_months(date, months) -%}
    {{ return(adapter.dispatch('minus_months')(date, months)) }}
{%- endmacro %}

{% macro default__minus_months(date, months) -%}
    cast({{ date }} - to_months({{ months }}) as date)
{%- endmacro %}

{% macro spark__minus_months(date, months) -%}
    add_months({{ date }}, -{{ months }})
{%- endmacro %}

{% macro plus_months(date, months) -%}
    {{ return(adapter.dispatch('plus_months')(date, months)) }}
{%- endmacro %}

{% macro default__plus_months(date, months) -%}
    cast({{ date }} + to_months({{ months }}) as date)
{%- endmacro %}

{% macro spark__plus_months(date, months) -%}
    add_months({{ date }}, {{ months }})
{%- endmacro %}

{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    cast({{ later }} - {{ earlier }} as integer)
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{#- Whole calendar months between the months of two dates, as bigint: 0 within one month. -#}
{% macro months_between(earlier, later) -%}
    {{ return(adapter.dispatch('months_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__months_between(earlier, later) -%}
    date_diff('month', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__months_between(earlier, later) -%}
    cast(12 * (year({{ later }}) - year({{ earlier }})) + month({{ later }}) - month({{ earlier }}) as bigint)
{%- endmacro %}
