with reasons as (
    {%- for kind, meanings in var('reasons').items() %}
    {%- set is_last_kind = loop.last %}
    {%- for reason, meaning in meanings.items() %}
    select
        '{{ kind }}' as kind,
        '{{ reason }}' as reason,
        '{{ meaning | replace("'", "''") }}' as meaning
    {{- '\n    union all' if not (is_last_kind and loop.last) }}
    {%- endfor %}
    {%- endfor %}
)

select * from reasons
order by kind, reason
