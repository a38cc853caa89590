with
{% for name in var('sources') -%}
{{ name }} as (
    {{ set_aside_rows(name) }}
),

{% endfor -%}
set_aside as (
    {%- for name in var('sources') %}
    select * from {{ name }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from set_aside
order by source, load_id, source_file, row_number
