{#-
    Examples show the values that explain the reason: the columns that it names, else the dates.
    A key is shown only where it is blank, so no example identifies anybody.
-#}
{%- set keys = [] -%}
{%- for name in var('sources') -%}
    {%- for column in [source_key(name), source_meta(name, 'customer_column')] if column not in keys -%}
        {%- do keys.append(column) -%}
    {%- endfor -%}
{%- endfor %}
with quarantine as (
    select * from {{ ref('quarantine') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by source, reason order by load_id desc, source_file, row_number
        ) as place
    from quarantine
),

shown as (
    select * from numbered
    where place <= {{ var('report_examples') }}
),

raw_values as (
    select
        source,
        reason,
        place,
        column_name,
        raw_row ->> column_name as raw_value,
        contains(replace(reason, 'invalid_', ''), lower(column_name)) as is_named,
        column_name in ('{{ keys | join("', '") }}') as is_key
    from (
        select *, unnest(json_keys(raw_row)) as column_name from shown
    )
    where reason <> 'malformed_row'
),

blamed as (
    select
        *,
        case
            when reason = 'missing_key' then is_key and coalesce(trim(raw_value, ' _'), '') = ''
            when is_key then false
            else is_named or (
                column_name like '%\_date' escape '\'
                and not bool_or(is_named and not is_key) over (partition by source, reason, place)
            )
        end as is_shown
    from raw_values
),

explanations as (
    select
        source,
        reason,
        place,
        string_agg(
            column_name || ' = '
            || coalesce('''' || {{ shortened('raw_value') }} || '''', 'empty'),
            ', ' order by column_name
        ) as explanation
    from blamed
    where is_shown
    group by source, reason, place
),

examples as (
    select
        shown.source,
        shown.reason,
        list(
            struct_pack(
                source_file := shown.source_file,
                row_number := shown.row_number,
                explanation := case
                    when explanations.explanation is not null then explanations.explanation
                    when shown.raw_row ->> 'line' is not null
                        then len(regexp_extract_all(shown.raw_row ->> 'line', '("[^"]*"|[^,])*(,|$)'))
                            - 1 || ' values in the line'
                    else 'not shown: it may hold personal values'
                end
            )
            order by shown.place
        ) as examples
    from shown
    left join explanations
        on
            shown.source = explanations.source
            and shown.reason = explanations.reason
            and shown.place = explanations.place
    group by shown.source, shown.reason
),

counts as (
    select
        source,
        reason,
        count(*) as row_count
    from quarantine
    group by source, reason
),

quarantine_summary as (
    select
        counts.*,
        examples.examples
    from counts
    inner join examples on counts.source = examples.source and counts.reason = examples.reason
)

select * from quarantine_summary
order by row_count desc, source, reason
