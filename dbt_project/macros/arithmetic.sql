{#- numerator / denominator as double, null where the denominator is null or 0. -#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{#-
    Round a value computed from a sum of doubles, whose last digits depend on the order of its rows:
    a little is added, so that a tie, which short numbers have often, goes up whatever those are.
-#}
{% macro six_decimals(value) -%}
    round({{ value }} + 1.2345e-8, 6)
{%- endmacro %}
