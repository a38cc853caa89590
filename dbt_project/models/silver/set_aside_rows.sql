{#-
    The rows of bronze that silver does not use: outside the scope of the build, quarantined, and of
    the rows of one load with one key and snapshot date all but the last: duplicate where a later one
    says the same, superseded where it says something else.
-#}
with
{% for name in var('sources') -%}
{{ name }}_{{ 'in_scope' if var('as_of') else 'judged' }} as (
    {{ judged_rows(name) }}
),

{% if var('as_of') -%}
-- as it was on a day: without the corrections and late rows that were landed after it
{{ name }}_judged as (
    select
        {{ all_but('read', ['scope_reason']) }},
        case
            when read.scope_reason is null and {{ is_known_after_as_of(name) }} then 'known_after_as_of'
            else read.scope_reason
        end as scope_reason
    from {{ name }}_in_scope as read
    left join {{ ref('watermarks') }} as watermarks
        on watermarks.source = '{{ name }}' and read.load_id = watermarks.load_id
),

{% endif -%}

{{ name }}_repeated_keys as (
    select
        entity_id,
        snapshot_date,
        load_id
    from {{ name }}_judged
    where scope_reason is null and quarantine_reason is null
    group by entity_id, snapshot_date, load_id
    having count(*) > 1
),

{{ name }}_repeated_rows as (
    select
        judged.*,
        {{ row_content(name, 'bronze') }} as content
    from {{ name }}_judged as judged
    inner join {{ name }}_repeated_keys as repeated_keys
        on
            judged.entity_id = repeated_keys.entity_id
            and judged.snapshot_date = repeated_keys.snapshot_date
            and judged.load_id = repeated_keys.load_id
    inner join {{ source('bronze', name) }} as bronze
        on
            judged.load_id = bronze._load_id
            and judged.row_number = bronze._row_number
            and judged.source_file = bronze._source_file
    where judged.scope_reason is null and judged.quarantine_reason is null
),

{{ name }}_ranked as (
    select
        *,
        row_number() over (
            partition by load_id, entity_id, snapshot_date
            order by source_file desc, row_number desc
        ) as version_rank,
        row_number() over (
            partition by load_id, entity_id, snapshot_date, content
            order by source_file desc, row_number desc
        ) as copy_rank
    from {{ name }}_repeated_rows
),

{%- set provenance = [
    'load_id', 'source_file', 'row_number', 'landed_at', 'customer_id', 'snapshot_date', 'loan_start_date'
] | join(', ') %}
{{ name }}_fates as (
    select
        {{ provenance }},
        case when scope_reason is not null then 'outside_scope' else 'quarantined' end as fate,
        coalesce(scope_reason, quarantine_reason) as reason
    from {{ name }}_judged
    where scope_reason is not null or quarantine_reason is not null
    union all
    select
        {{ provenance }},
        case when copy_rank > 1 then 'duplicate' else 'superseded' end as fate,
        case when copy_rank > 1 then 'same_content' else 'restated' end as reason
    from {{ name }}_ranked
    where version_rank > 1
),

{{ name }} as (
    select
        '{{ name }}' as source,
        fates.load_id,
        fates.source_file,
        fates.row_number,
        fates.customer_id,
        fates.snapshot_date,
        fates.loan_start_date,
        fates.fate,
        fates.reason,
        {{ known_from(
            name, 'fates.snapshot_date', 'fates.landed_at',
            is_late='fates.snapshot_date <= watermarks.watermark_before'
        ) }} as known_from
    from {{ name }}_fates as fates
    left join {{ ref('watermarks') }} as watermarks
        on watermarks.source = '{{ name }}' and fates.load_id = watermarks.load_id
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
