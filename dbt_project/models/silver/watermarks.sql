{#-
    Up to which day each load vouches for its source: the latest date that it brings, strays apart. A
    few stray rows, mistyped but plausible, do not move it: stray_share of the load's usable rows.
-#}
with usable_rows as (
    {%- for name in var('sources') %}
    select
        '{{ name }}' as source,
        load_id,
        snapshot_date,
        max(landed_at) as landed_at,
        count(*) as row_count
    from ({{ judged_rows(name) }}) as judged
    where scope_reason is null and quarantine_reason is null
    group by load_id, snapshot_date
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

counted as (
    select
        *,
        sum(row_count) over (
            partition by source, load_id order by snapshot_date desc
        ) as rows_from_here_on,
        sum(row_count) over (partition by source, load_id) as rows_of_load
    from usable_rows
),

loads as (
    select
        source,
        load_id,
        max(landed_at) as landed_at,
        max(case
            when rows_from_here_on > floor(rows_of_load * {{ var('stray_share') }}) then snapshot_date
        end) as watermark
    from counted
    group by source, load_id
),

watermarks as (
    select
        source,
        load_id,
        landed_at,
        watermark,
        max(watermark) over (
            partition by source order by load_id
            rows between unbounded preceding and 1 preceding
        ) as watermark_before
    from loads
)

select * from watermarks
order by source, load_id
