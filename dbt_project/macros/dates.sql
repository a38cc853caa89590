{% macro minus_months(date, months) -%}
    cast({{ date }} - to_months({{ months }}) as date)
{%- endmacro %}

{% macro days_between(earlier, later) -%}
    cast({{ later }} - {{ earlier }} as integer)
{%- endmacro %}

{#- Whole calendar months between the months of two dates: 0 within one month. -#}
{% macro months_between(earlier, later) -%}
    date_diff('month', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro plus_months(date, months) -%}
    cast({{ date }} + to_months({{ months }}) as date)
{%- endmacro %}
