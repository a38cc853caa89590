{#-
    Counts of cleaning actions, with their most frequent raw values. A cleaned column is
    compared with the raw one of its name, with or without a unit behind it. Numbers that only
    carried a trailing underscore lost nothing, so silver has no action for them: they are counted
    in bronze, in the columns that var valid_ranges names.
-#}
{%- set sources = var('sources') -%}
with actions as (
    {%- for name, facts in sources.items() %}
    {%- set columns = raw_columns(name, personal=false) %}
    select
        '{{ name }}' as source,
        action.cleaned_column,
        action.reason,
        case action.cleaned_column
            {%- for raw in columns %}
            when '{{ raw | lower }}' then bronze."{{ raw }}"
            when '{{ raw | lower }}_months' then bronze."{{ raw }}"
            {%- endfor %}
        end as raw_value
    from (
        select
            load_id,
            source_file,
            row_number,
            split_part(action, ':', 1) as cleaned_column,
            split_part(action, ':', 2) as reason
        from (
            select load_id, source_file, row_number, unnest(cleaning_actions) as action
            from {{ ref(facts.silver) }}
            where len(cleaning_actions) > 0
        )
    ) as action
    inner join {{ source('bronze', name) }} as bronze
        on
            action.load_id = bronze._load_id
            and action.source_file = bronze._source_file
            and action.row_number = bronze._row_number
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

underscores as (
    {%- set parts = [] %}
    {%- for name in sources %}
        {%- for raw in raw_columns(name, personal=false) if (raw | lower) in var('valid_ranges') %}
            {%- do parts.append((name, raw)) %}
        {%- endfor %}
    {%- endfor %}
    {%- for name, raw in parts %}
    select
        '{{ name }}' as source,
        '{{ raw | lower }}' as cleaned_column,
        'trailing_underscore' as reason,
        "{{ raw }}" as raw_value
    from {{ source('bronze', name) }}
    where "{{ raw }}"[-1] = '_' and regexp_matches("{{ raw }}", '^-?[0-9.]+_+$')
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

by_value as (
    select
        source,
        cleaned_column,
        reason,
        raw_value,
        count(*) as row_count
    from (select * from actions union all select * from underscores)
    group by source, cleaned_column, reason, raw_value
),

source_rows as (
    {%- for name, facts in sources.items() %}
    select '{{ name }}' as source, count(*) as row_count from {{ ref(facts.silver) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

cleaning_summary as (
    select
        by_value.source,
        by_value.cleaned_column,
        by_value.reason,
        case by_value.reason
            when 'repaired' then 'repaired'
            when 'trailing_underscore' then 'read'
            else 'nulled'
        end as effect,
        cast(sum(by_value.row_count) as bigint) as row_count,
        sum(by_value.row_count) / any_value(source_rows.row_count) as share,
        count(by_value.raw_value) as distinct_values,
        list({{ shortened('by_value.raw_value') }} order by by_value.row_count desc, by_value.raw_value)
            filter (where by_value.raw_value is not null)[:{{ var('report_examples') }}] as examples
    from by_value
    inner join source_rows on by_value.source = source_rows.source
    group by by_value.source, by_value.cleaned_column, by_value.reason
)

select * from cleaning_summary
order by row_count desc, cleaned_column, reason
