{#- A raw text as a report shows it: at most 48 characters. -#}
{% macro shortened(text) -%}
    case when length({{ text }}) > 48 then left({{ text }}, 47) || '…' else {{ text }} end
{%- endmacro %}
