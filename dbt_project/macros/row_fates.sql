{#-
    The rows of a bronze table that its silver table uses: all but the ones set aside.
-#}
{% macro used_rows(name) -%}
    select bronze.*
    from {{ source('bronze', name) }} as bronze
    where
        not exists (
            select 1
            from {{ ref('set_aside_rows') }} as set_aside
            where
                set_aside.source = '{{ name }}'
                and set_aside.load_id = bronze._load_id
                and set_aside.row_number = bronze._row_number
        )
{%- endmacro %}

{#-
    Judges the rows of a bronze table and returns those its silver table cannot use, one row per
    row set aside. In this order: outside the scope of the build (as_of, known_at), quarantined
    (the first reason that applies), and of the rows with one key and snapshot date all but the
    latest: duplicate when a later one says the same, superseded when it says something else. Later
    means a later load, within a load further down in the file.

    key: the column that with the date is the key of the source's contract.
    contradictions: {reason: condition over the raw columns}, the source's own reasons.
    loan_start_date: the start of the row's loan, where the source holds loans.
-#}
{% macro set_aside_rows(name, key, contradictions={}, loan_start_date='cast(null as date)') -%}
    {%- set key_of_contract = source_meta(name, 'key') -%}
    {%- if key_of_contract and key not in key_of_contract -%}
        {{ exceptions.raise_compiler_error(
            'the key of ' ~ name ~ ' is ' ~ key_of_contract ~ ' in _bronze.yml, not ' ~ key
        ) }}
    {%- endif -%}
    {%- set key_value = 'customer_id' if key == 'Customer_ID' else 'key_value' %}
    -- Each value and condition once, and outside of case: there DuckDB works out one that repeats
    -- in a file once, inside of it row by row. It keeps these rows, so they hold no value twice.
    with read as (
        select
            _load_id as load_id,
            _row_number as row_number,
            _landed_at as landed_at,
            {%- if key != 'Customer_ID' %}
            {{ text_value(key) }} as key_value,
            {%- endif %}
            {{ text_value('Customer_ID') }} as customer_id,
            {{ snapshot_date_of(name) }} as snapshot_date,
            {{ loan_start_date }} as loan_start_date,
            {%- for reason, condition in contradictions.items() %}
            {{ condition }} as {{ reason }},
            {%- endfor %}
            _malformed_line is not null as is_malformed
        from {{ source('bronze', name) }}
    ),

    judged as (
        select
            load_id,
            row_number,
            {{ key_value }} as key_value,
            customer_id,
            snapshot_date,
            loan_start_date,
            {{ scope_reason(name) }} as scope_reason,
            case
                when is_malformed then 'malformed_row'
                when {{ key_value }} is null then 'missing_key'
                when snapshot_date is null then 'invalid_snapshot_date'
                {%- for reason in contradictions %}
                when {{ reason }} then '{{ reason }}'
                {%- endfor %}
            end as quarantine_reason
        from read
    ),

    repeated_keys as (
        select
            key_value,
            snapshot_date
        from judged
        where scope_reason is null and quarantine_reason is null
        group by key_value, snapshot_date
        having count(*) > 1
    ),

    repeated_rows as (
        select
            judged.load_id,
            judged.row_number,
            judged.key_value,
            judged.customer_id,
            judged.snapshot_date,
            judged.loan_start_date,
            {{ row_content(name, 'bronze') }} as content
        from judged
        inner join repeated_keys
            on
                judged.key_value = repeated_keys.key_value
                and judged.snapshot_date = repeated_keys.snapshot_date
        inner join {{ source('bronze', name) }} as bronze
            on judged.load_id = bronze._load_id and judged.row_number = bronze._row_number
        where judged.scope_reason is null and judged.quarantine_reason is null
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by key_value, snapshot_date order by load_id desc, row_number desc
            ) as version_rank,
            row_number() over (
                partition by key_value, snapshot_date, content
                order by load_id desc, row_number desc
            ) as copy_rank
        from repeated_rows
    )

    select
        '{{ name }}' as source,
        load_id,
        row_number,
        customer_id,
        snapshot_date,
        loan_start_date,
        case when scope_reason is not null then 'outside_scope' else 'quarantined' end as fate,
        coalesce(scope_reason, quarantine_reason) as reason
    from judged
    where scope_reason is not null or quarantine_reason is not null

    union all

    select
        '{{ name }}' as source,
        load_id,
        row_number,
        customer_id,
        snapshot_date,
        loan_start_date,
        case when copy_rank > 1 then 'duplicate' else 'superseded' end as fate,
        case when copy_rank > 1 then 'same_content' else 'restated' end as reason
    from ranked
    where version_rank > 1
{%- endmacro %}

{#-
    Why a row, with its snapshot_date and landed_at, lies outside the build that was asked for
    (as_of, known_at), else null.
-#}
{% macro scope_reason(name) -%}
    case
        {%- if var('known_at') %}
        when landed_at > cast('{{ var('known_at') }}' as timestamp) then 'loaded_after_known_at'
        {%- endif %}
        {%- if var('as_of') %}
        when
            {{ plus_days('snapshot_date', source_meta(name, 'delay_days')) }}
            > cast('{{ var('as_of') }}' as date)
            then 'dated_after_as_of'
        {%- endif %}
        {%- if not var('known_at') and not var('as_of') %}
        when false then ''
        {%- endif %}
    end
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
