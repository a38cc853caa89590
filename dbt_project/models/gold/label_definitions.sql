with definitions as (
    {%- for definition in var('label_definitions') %}
    select
        '{{ definition.name }}' as label_definition,
        {{ definition.days_past_due }} as min_days_past_due,
        {{ definition.months_on_book }} as months_on_book,
        '{{ definition.observed }}' as observed
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from definitions
order by label_definition
