{#- With a strict boundary a snapshot of the application day would not count: another one, or none. -#}
{%- set groups = feature_groups() | list -%}
with feature_store as (
    select * from {{ ref('feature_store') }}
),

boundary_sensitivity as (
    {%- for group in groups %}
    select
        '{{ group }}' as feature_group,
        count(*) as loans,
        count({{ group }}_age_days) as loans_with_snapshot,
        count(*) filter (where {{ group }}_age_days = 0) as loans_of_same_day,
        count(*) filter (where {{ group }}_age_days = 0) / nullif(count({{ group }}_age_days), 0)
            as same_day_share,
        median({{ group }}_age_days) as median_age_days
    from feature_store
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from boundary_sensitivity
order by feature_group
