{%- set sources = var('sources') -%}

with files as (
    select
        source,
        load_id,
        sum(rows_in_file) as rows_in_file,
        sum(rows_seen_before) as rows_seen_before
    from {{ source('bronze', 'loads') }}
    group by source, load_id
),

-- counted in bronze itself, not taken from what the landing reports
bronze_rows as (
    {%- for name in sources %}
    select
        '{{ name }}' as source,
        _load_id as load_id,
        count(*) as row_count
    from {{ source('bronze', name) }}
    group by _load_id
    {{- '\n    union all' if not loop.last }}
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

silver_rows as (
    {%- for name, source in sources.items() %}
    select
        '{{ name }}' as source,
        load_id,
        nullif(arrival, 'on_time') as reason,
        count(*) as row_count
    from {{ ref(source.silver) }}
    group by load_id, arrival
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

last_applications as (
    select
        customer_id,
        max(application_date) as application_date
    from {{ ref('loan_applications') }}
    group by customer_id
),

{% for name, source in sources.items() -%}
{{ name }}_in_gold as (
    select
        source.load_id,
        case
            {%- if source.silver == 'loan_repayments' %}
            -- labels read the latest version of every row
            when source.known_until is null then null
            {%- endif %}
            when spine.customer_id is null then 'no_application'
            when
                {{ plus_days('source.snapshot_date', source_meta(name, 'delay_days')) }}
                {{ '>' if source_meta(name, 'boundary') == 'inclusive' else '>=' }}
                spine.application_date
                then 'after_every_application'
            when source.known_from > spine.application_date then 'known_too_late'
            when source.known_until <= spine.application_date and not exists (
                select 1
                from {{ ref('loan_applications') }} as applications
                where
                    applications.customer_id = source.customer_id
                    and applications.application_date >= source.known_from
                    and applications.application_date < source.known_until
            ) then 'replaced_before_use'
        end as reason
    from {{ ref(source.silver) }} as source
    left join last_applications as spine on source.customer_id = spine.customer_id
),

{% endfor -%}
gold_rows as (
    {%- for name in sources %}
    select
        '{{ name }}' as source,
        load_id,
        reason,
        count(*) as row_count
    from {{ name }}_in_gold
    group by load_id, reason
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

fates as (
    select
        source,
        load_id,
        'file' as layer,
        'read' as fate,
        null as reason,
        rows_in_file as row_count
    from files
    union all
    select
        source,
        load_id,
        'bronze' as layer,
        'seen_before' as fate,
        'same_content' as reason,
        rows_seen_before as row_count
    from files
    union all
    select
        source,
        load_id,
        'bronze' as layer,
        'landed' as fate,
        null as reason,
        row_count
    from bronze_rows
    union all
    select
        source,
        load_id,
        'silver' as layer,
        fate,
        reason,
        row_count
    from set_aside
    union all
    select
        source,
        load_id,
        'silver' as layer,
        'used' as fate,
        reason,
        row_count
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
