{#-
    Why: every join, count and label downstream takes "one row per ..." for granted; one repeated
    key multiplies rows without any error. Columns of the grain that may be null are given apart.
-#}
{% test grain(model, columns, nullable_columns=[]) %}
with keys as (
    select
        {{ (columns + nullable_columns) | join(',\n        ') }},
        count(*) as rows_of_key
    from {{ model }}
    group by {{ (columns + nullable_columns) | join(', ') }}
),

checked as (
    select
        *,
        rows_of_key = 1 as is_unique,
        {% for column in columns %}{{ column }} is not null{{ ' and ' if not loop.last }}{% endfor %} as is_complete
    from keys
)

select * from checked
where not (is_unique and is_complete)
{% endtest %}
