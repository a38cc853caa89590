{#-
    Every row of bronze with its key, its dates and, where silver cannot use it, why: scope_reason
    (outside of the build that was asked for: as_of, known_at) and quarantine_reason (the first that
    applies). Each value and condition is worked out once, outside of case: there DuckDB works out
    an expression that repeats once, inside of it row by row.
-#}
{% macro judged_rows(name) -%}
    {%- set delay_days = source_meta(name, 'delay_days') -%}
    {%- set conditions = contradictions(name) -%}
    select
        load_id,
        source_file,
        row_number,
        landed_at,
        entity_id,
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
            when entity_id is null then 'missing_key'
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
            {{ text_value(quoted_name(source_key(name))) }} as entity_id,
            {{ text_value(quoted_name(source_meta(name, 'customer_column'))) }} as customer_id,
            {{ snapshot_date_value() }} as snapshot_date,
            {{ loan_start_date_of(name) }} as loan_start_date,
            {%- for reason, condition in conditions.items() %}
            {{ condition }} as {{ reason }},
            {%- endfor %}
            _malformed_line is not null as is_malformed
        from {{ source('bronze', name) }}
    ) as read
{%- endmacro %}

{#-
    Contradictions that a row may hold, beyond its key and date: {reason: condition over the raw
    columns}, in the order in which they are asked.
-#}
{% macro contradictions(name) -%}
    {%- set start_date = loan_start_date_of(name) -%}
    {{ return({
        'lms_loan_daily': {
            'invalid_loan_start_date': start_date ~ ' is null',
            'invalid_installment_num':
                'not coalesce(' ~ matches(trimmed('installment_num'), '^[0-9]{1,4}([.]0*)?$') ~ ', false)',
            'snapshot_before_loan_start': snapshot_date_value() ~ ' < ' ~ start_date,
        },
    }.get(name, {})) }}
{%- endmacro %}

{#- Whether a date is too old to be true, or is after the day on which its load was landed. -#}
{% macro is_implausible(date) -%}
    {{ date }} < cast('{{ var('earliest_plausible_date') }}' as date) or {{ date }} > cast(landed_at as date)
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
    fields cannot be assigned to columns, only where the source holds no personal column.
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
