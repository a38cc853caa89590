{#-
    What was known when. A load vouches for everything dated up to its watermark
    (silver.watermarks). Of the rows of one key and snapshot date, one row a load is a version:

    on_time     the first version, dated after the watermarks of the loads before, or of a source's
                first load, which is a backfill
    late        the first version, dated on or before the watermark of an earlier load
    correction  an earlier load brought a version

    On time: known from snapshot_date + delay_days. Late rows and corrections: known from the moment
    their load was landed, or from snapshot_date + delay_days where that is later. A version is
    known until the next one is. Where the contract says `corrections: retroactive` the latest
    version counts for all time.
-#}

{#-
    The rows of a bronze table that silver uses, one row a version: the raw columns, and entity_id
    (the cleaned key), event_date (the cleaned snapshot date), arrival, known_from and known_until.
-#}
{% macro versions(name) -%}
    with used as (
        select
            bronze.*,
            {{ text_value(quoted_name(source_key(name))) }} as entity_id,
            {{ snapshot_date_value() }} as event_date
        from {{ source('bronze', name) }} as bronze
        where
            not exists (
                select 1
                from {{ ref('set_aside_rows') }} as set_aside
                where
                    set_aside.source = '{{ name }}'
                    and set_aside.load_id = bronze._load_id
                    and set_aside.row_number = bronze._row_number
                    and set_aside.source_file = bronze._source_file
            )
    ),

    watermarks as (
        select * from {{ ref('watermarks') }}
        where source = '{{ name }}'
    ),

    -- one load holds one version of a key and date, so that with one load there is nothing to count
    restated as (
        select
            entity_id,
            event_date
        from used
        where (select count(*) from watermarks) > 1
        group by entity_id, event_date
        having count(*) > 1
    ),

    restatements as (
        select
            used._load_id,
            used._source_file,
            used._row_number,
            row_number() over version_order > 1 as is_correction,
            lead(used._landed_at) over version_order as replaced_at
        from used
        inner join restated
            on used.entity_id = restated.entity_id and used.event_date = restated.event_date
        window version_order as (
            partition by used.entity_id, used.event_date order by used._load_id
        )
    )

    select
        used.*,
        case
            when restatements.is_correction then 'correction'
            when used.event_date <= watermarks.watermark_before then 'late'
            else 'on_time'
        end as arrival,
        {{ known_from(
            name, 'used.event_date', 'used._landed_at',
            is_late='(restatements.is_correction or used.event_date <= watermarks.watermark_before)'
        ) }} as known_from,
        case
            when restatements.replaced_at is not null
                then {{ known_from(name, 'used.event_date', 'restatements.replaced_at', is_late='true') }}
        end as known_until
    from used
    left join watermarks on used._load_id = watermarks.load_id
    left join restatements
        on
            used._load_id = restatements._load_id
            and used._source_file = restatements._source_file
            and used._row_number = restatements._row_number
{%- endmacro %}

{#- The moment from which a row is known, given whether it is late (a correction is late, too). -#}
{% macro known_from(name, snapshot_date, landed_at, is_late) -%}
    {%- set available = 'cast(' ~ plus_days(snapshot_date, source_meta(name, 'delay_days')) ~ ' as timestamp)' -%}
    {%- if source_meta(name, 'corrections') == 'retroactive' -%}
    {{ available }}
    {%- else -%}
    case when {{ is_late }} then greatest({{ available }}, {{ landed_at }}) else {{ available }} end
    {%- endif -%}
{%- endmacro %}

{#-
    Whether a row, of a relation `read` of judged rows, is a correction or late and its load was
    landed after the day that the build was asked for. Never where corrections are retroactive.
-#}
{% macro is_known_after_as_of(name) -%}
    {%- if source_meta(name, 'corrections') == 'retroactive' -%}
    false
    {%- else -%}
    read.quarantine_reason is null
    and read.landed_at >= cast({{ plus_days("cast('" ~ var('as_of') ~ "' as date)", 1) }} as timestamp)
    and (
        read.snapshot_date <= watermarks.watermark_before
        or read.load_id > min(case when read.scope_reason is null and read.quarantine_reason is null then read.load_id end)
            over (partition by read.entity_id, read.snapshot_date)
    )
    {%- endif -%}
{%- endmacro %}

{#- The columns with which every table of dated rows in silver ends. -#}
{% macro version_columns() -%}
    known_from,
        known_until,
        arrival,
        _load_id as load_id,
        _source_file as source_file,
        _row_number as row_number
{%- endmacro %}

{#-
    Whether an application of that date is closed: every source had a watermark on or after it before
    the newest load came, so that what came since is known only to later applications. Null, so not
    closed, where a source had brought nothing before. by_newest_load: whether it is closed from the
    next run on, the newest load included.
-#}
{% macro is_closed(application_date, by_newest_load=false) -%}
    {{ application_date }} <= (
        select case when count(*) = {{ var('sources') | length }} then min(watermark) end
        from (
            select source, max(watermark) as watermark
            from {{ ref('watermarks') }}
            {%- if not by_newest_load %}
            where load_id < (select max(load_id) from {{ ref('watermarks') }})
            {%- endif %}
            group by source
        ) as loads
    )
{%- endmacro %}
