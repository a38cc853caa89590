{%- set silver_tables = {} -%}
{%- for name, source in var('sources').items() -%}
    {%- do silver_tables.update({name: source.silver}) -%}
{%- endfor -%}

with loads as (
    select * from {{ source('bronze', 'loads') }}
),

-- counted in bronze itself, not taken from what the landing said
bronze_rows as (
    {%- for name in silver_tables %}
    select
        '{{ name }}' as source,
        _load_id as load_id,
        count(*) as row_count
    from {{ source('bronze', name) }}
    group by _load_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

silver_rows as (
    {%- for name, table in silver_tables.items() %}
    select
        '{{ name }}' as source,
        load_id,
        count(*) as row_count
    from {{ ref(table) }}
    group by load_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

set_aside as (
    select
        source,
        load_id,
        fate,
        reason,
        count(*) as row_count
    from {{ ref('set_aside_rows') }}
    group by source, load_id, fate, reason
),

-- a row that one application knows the later ones of the customer know as well
last_applications as (
    select
        customer_id,
        max(application_date) as application_date
    from {{ ref('loan_applications') }}
    group by customer_id
),

gold_rows as (
    {%- for name, table in silver_tables.items() %}
    {%- set rule = source_rule(name) %}
    select
        '{{ name }}' as source,
        load_id,
        reason,
        count(*) as row_count
    from (
        select
            source.load_id,
            {%- if name == 'lms_loan_daily' %}
            cast(null as string) as reason
            {%- else %}
            case
                when spine.customer_id is null then 'no_application'
                when not (
                    {{ is_known_as_of('spine.application_date', 'source.snapshot_date', rule.boundary, known_from='known_from') }}
                ) then 'after_every_application'
            end as reason
            {%- endif %}
        from {{ ref(table) }} as source
        {%- if name != 'lms_loan_daily' %}
        left join last_applications as spine on source.customer_id = spine.customer_id
        {%- endif %}
    ) as judged
    group by load_id, reason
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

fates as (
    select source, load_id, 'file' as layer, 'read' as fate, null as reason, rows_in_file as row_count
    from loads
    union all
    select source, load_id, 'bronze' as layer, 'seen_before' as fate, 'same_content' as reason, rows_seen_before as row_count
    from loads
    union all
    select source, load_id, 'bronze' as layer, 'landed' as fate, null as reason, row_count
    from bronze_rows
    union all
    select source, load_id, 'silver' as layer, fate, reason, row_count
    from set_aside
    union all
    select source, load_id, 'silver' as layer, 'used' as fate, null as reason, row_count
    from silver_rows
    union all
    select
        source,
        load_id,
        'gold' as layer,
        case when reason is null then 'known' else 'not_known' end as fate,
        reason,
        row_count
    from gold_rows
),

row_ledger as (
    select
        source,
        cast(load_id as integer) as load_id,
        layer,
        fate,
        reason,
        cast(row_count as bigint) as row_count
    from fates
    where row_count > 0
)

select * from row_ledger
order by source, load_id, layer, fate, reason
