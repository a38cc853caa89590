with quarantined as (
    select * from {{ ref('set_aside_rows') }}
    where fate = 'quarantined'
),

-- by the row number alone, so that the scan skips the others; the join below asks for the load too
{% set sources = var('sources') -%}
{% for name in sources -%}
{{ name }} as (
    select
        '{{ name }}' as source,
        _load_id,
        _row_number,
        _source_file,
        _landed_at,
        {{ raw_row(name) }} as raw_row
    from {{ source('bronze', name) }}
    where _row_number in (
        select row_number from quarantined
        where source = '{{ name }}'
    )
),

{% endfor -%}
raw_rows as (
    {%- for name in sources %}
    select * from {{ name }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

quarantine as (
    select
        quarantined.source,
        quarantined.reason,
        quarantined.customer_id,
        quarantined.snapshot_date,
        raw_rows.raw_row,
        raw_rows._landed_at as landed_at,
        quarantined.known_from,
        quarantined.load_id,
        quarantined.source_file,
        quarantined.row_number
    from quarantined
    inner join raw_rows
        on
            quarantined.source = raw_rows.source
            and quarantined.load_id = raw_rows._load_id
            and quarantined.row_number = raw_rows._row_number
            and quarantined.source_file = raw_rows._source_file
)

select * from quarantine
order by source, load_id, source_file, row_number
