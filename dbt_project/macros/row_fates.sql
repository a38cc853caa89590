{#-
    Every row of bronze with its key, its dates and, where silver cannot use it, why: scope_reason
    (outside of the build that was asked for: as_of, known_at) and quarantine_reason (the first that
    applies). Each value and condition is worked out once, outside of case: there DuckDB works out
    an expression that repeats once, inside of it row by row.
-#}
{% macro judged_rows(name) -%}
    {%- set key, customer = source_key(name), source_meta(name, 'customer_column') -%}
    {%- set delay_days = source_meta(name, 'delay_days') -%}
    {%- set conditions = contradictions(name) -%}
    select
        load_id,
        source_file,
        row_number,
        landed_at,
        {{ 'customer_id' if key == customer else 'entity_id' }} as entity_id,
        customer_id,
        snapshot_date,
        loan_start_date,
        case
            {%- if var('known_at') %}
            when landed_at > cast('{{ var('known_at') }}' as timestamp) then 'loaded_after_known_at'
            {%- endif %}
            {%- if var('as_of') %}
            when {{ plus_days('snapshot_date', delay_days) }} > cast('{{ var('as_of') }}' as date)
                then 'dated_after_as_of'
            {%- endif %}
            when false then ''
        end as scope_reason,
        case
            when is_malformed then 'malformed_row'
            when {{ 'customer_id' if key == customer else 'entity_id' }} is null then 'missing_key'
            when snapshot_date is null then 'invalid_snapshot_date'
            when {{ is_implausible('snapshot_date') }} or {{ is_implausible('loan_start_date') }}
                then 'implausible_date'
            {%- for reason in conditions %}
            when {{ reason }} then '{{ reason }}'
            {%- endfor %}
        end as quarantine_reason
    from (
        select
            _load_id as load_id,
            _source_file as source_file,
            _row_number as row_number,
            _landed_at as landed_at,
            {%- if key != customer %}
            {{ text_value(quoted_name(key)) }} as entity_id,
            {%- endif %}
            {{ text_value(quoted_name(customer)) }} as customer_id,
            {{ snapshot_date_of(name) }} as snapshot_date,
            {{ loan_start_date_of(name) }} as loan_start_date,
            {%- for reason, condition in conditions.items() %}
            {{ condition }} as {{ reason }},
            {%- endfor %}
            _malformed_line is not null as is_malformed
        from {{ source('bronze', name) }}
    ) as read
{%- endmacro %}

{#-
    What a row of a source cannot be, beyond its key and date: {reason: condition over the raw
    columns}, in the order in which they are asked.
-#}
{% macro contradictions(name) -%}
    {%- set start_date = loan_start_date_of(name) -%}
    {{ return({
        'lms_loan_daily': {
            'invalid_loan_start_date': start_date ~ ' is null',
            'invalid_installment_num':
                'not coalesce(' ~ matches(trimmed('installment_num'), '^[0-9]{1,4}([.]0*)?$') ~ ', false)',
            'snapshot_before_loan_start': snapshot_date_of(name) ~ ' < ' ~ start_date,
        },
    }.get(name, {})) }}
{%- endmacro %}

{#- Whether a date is too old to be true, or lies after the day on which its load was landed. -#}
{% macro is_implausible(date) -%}
    {{ date }} < cast('{{ var('earliest_plausible_date') }}' as date) or {{ date }} > cast(landed_at as date)
{%- endmacro %}

{#-
    The rows of a bronze table that silver does not use, one row per row set aside: outside the
    scope of the build, quarantined, and of the rows of one load with one key and snapshot date all
    but the last: duplicate where a later one says the same, superseded where it says something else.
-#}
{% macro set_aside_rows(name) -%}
    with judged as (
        {{ judged_rows(name) }}
    ),

    watermarks as (
        select * from {{ ref('watermarks') }}
        where source = '{{ name }}'
    ),

    repeated_keys as (
        select
            entity_id,
            snapshot_date,
            load_id
        from judged
        where scope_reason is null and quarantine_reason is null
        group by entity_id, snapshot_date, load_id
        having count(*) > 1
    ),

    repeated_rows as (
        select
            judged.*,
            {{ row_content(name, 'bronze') }} as content
        from judged
        inner join repeated_keys
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

    ranked as (
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
        from repeated_rows
    ),

    fates as (
        select
            load_id,
            source_file,
            row_number,
            landed_at,
            customer_id,
            snapshot_date,
            loan_start_date,
            case when scope_reason is not null then 'outside_scope' else 'quarantined' end as fate,
            coalesce(scope_reason, quarantine_reason) as reason
        from judged
        where scope_reason is not null or quarantine_reason is not null

        union all

        select
            load_id,
            source_file,
            row_number,
            landed_at,
            customer_id,
            snapshot_date,
            loan_start_date,
            case when copy_rank > 1 then 'duplicate' else 'superseded' end as fate,
            case when copy_rank > 1 then 'same_content' else 'restated' end as reason
        from ranked
        where version_rank > 1
    )

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
    from fates
    left join watermarks on fates.load_id = watermarks.load_id
{%- endmacro %}

{#- The raw columns of a row as one comparable text. -#}
{% macro row_content(name, relation) -%}
    {%- set values = {} -%}
    {%- for column in raw_columns(name) -%}
        {%- do values.update({column: relation ~ '.' ~ adapter.quote(column)}) -%}
    {%- endfor -%}
    {{ json_of(values) }}
{%- endmacro %}

{#-
    The raw row as JSON for the quarantine, without personal columns; of a malformed line, whose
    fields cannot be told apart, only where the source holds no personal column.
-#}
{% macro raw_row(name) -%}
    {%- set shown = {} -%}
    {%- for column in raw_columns(name, personal=false) -%}
        {%- do shown.update({
            column: 'coalesce(snapshot_date, _snapshot_date_text)' if column == 'snapshot_date'
                else adapter.quote(column)
        }) -%}
    {%- endfor -%}
    case
        {%- if shown | length < raw_columns(name) | length %}
        when _malformed_line is not null then null
        {%- else %}
        when _malformed_line is not null then {{ json_of({'line': '_malformed_line'}) }}
        {%- endif %}
        else {{ json_of(shown) }}
    end
{%- endmacro %}
