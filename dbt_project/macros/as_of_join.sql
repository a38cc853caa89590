{#-
    The point-in-time rule. Every feature of the gold layer comes through this file; arguments are
    described in _macros.yml.

    A row of a source is known to a row of the spine when their keys are equal and not null, its
    date is on or before the spine's date (before it, where the boundary is strict), its delay has
    passed, it is not older than the maximum age (its edge included), and it was known on that date: from
    known_from (inclusive) until another version replaced it (known_until, exclusive). A date
    compared with a timestamp is that day's midnight; timestamps with a zone are compared in UTC.
-#}
{% macro is_known_as_of(
    spine_date, source_date, boundary='inclusive', delay_days=0, max_age_days=none,
    known_from=none, known_until=none
) -%}
    {%- if boundary not in ('inclusive', 'strict') -%}
        {{ exceptions.raise_compiler_error("boundary is '" ~ boundary ~ "': use inclusive or strict") }}
    {%- endif -%}
    {%- set by = '<=' if boundary == 'inclusive' else '<' -%}
    {%- set after = '>' if boundary == 'inclusive' else '>=' -%}
    {{ plus_days(source_date, delay_days) }} {{ by }} {{ spine_date }}
    {%- if max_age_days is not none %}
    and {{ plus_days(source_date, max_age_days) }} >= {{ spine_date }}
    {%- endif %}
    {%- if known_from is not none %}
    and source.{{ quoted_name(known_from) }} {{ by }} {{ spine_date }}
    {%- endif %}
    {%- if known_until is not none %}
    and (source.{{ quoted_name(known_until) }} is null or source.{{ quoted_name(known_until) }} {{ after }} {{ spine_date }})
    {%- endif %}
{%- endmacro %}

{% macro plus_days(date, days) -%}
    {{ date }}{% if days %} + interval '{{ days }}' day{% endif %}
{%- endmacro %}

{#-
    The rule of a source whose rows are in silver: as_of_join(..., **source_rule('feature_clickstream')).
    Its delay is in known_from.
-#}
{% macro source_rule(name) -%}
    {{ return({
        'boundary': source_meta(name, 'boundary'),
        'max_age_days': source_meta(name, 'max_age_days'),
        'known_from': 'known_from',
        'known_until': 'known_until',
    }) }}
{%- endmacro %}

{#-
    For every row of the spine the latest row of the source known to it, taken whole: a null inside
    the winner stays null. Exactly one output row per spine row, whatever the input: every column
    of the spine, the wanted columns (null where nothing was known), and the winner's date.

        {{ as_of_join(
            ref('loan_applications'), ref('clickstream'), ['customer_id'], ['fe_1'],
            is_unique=true, **source_rule('feature_clickstream')
        ) }}

    Its arguments by name are those of is_known_as_of. Rows of one key and date: tie_break decides,
    behind it all wanted columns, so that the answer is the same on every run, thread count and order
    of the input; is_unique says that a test holds one row of a key and date known at a time.
-#}
{% macro as_of_join(
    spine, source, keys, columns, spine_date='application_date', source_date='snapshot_date',
    date_alias='snapshot_date', tie_break=[], is_unique=false
) -%}
    {%- set quoted_keys, quoted_columns = quoted(keys), quoted(columns) -%}
    {%- set lookup = quoted_keys + [quoted_name(spine_date)] -%}
    {%- set dated = 'source.' ~ quoted_name(source_date) -%}
    select
        spine.*,
        {%- for column in quoted_columns %}
        winners.{{ column }},
        {%- endfor %}
        winners.__winning_date as {{ quoted_name(date_alias) }}
    from {{ spine }} as spine
    left join (
        select
            {%- for column in lookup %}
            latest.{{ column }} as __asked_{{ loop.index }},
            {%- endfor %}
            {%- for column in quoted_columns %}
            source.{{ column }},
            {%- endfor %}
            latest.__winning_date
            {%- if not is_unique %},
            row_number() over (
                partition by latest.{{ lookup | join(', latest.') }}
                order by
                    {%- for term in tie_break %}
                    source.{{ term }},
                    {%- endfor %}
                    {%- for column in quoted_columns %}
                    source.{{ column }} desc nulls last{{ ',' if not loop.last }}
                    {%- else %}
                    latest.__winning_date
                    {%- endfor %}
            ) as __rank
            {%- endif %}
        from (
            select {{ lookup | join(', ') }}, max(__known_date) as __winning_date
            from ({{ known_rows(
                spine, source, keys, [], spine_date, source_date, date_alias='__known_date', **kwargs
            ) }}) as known
            group by {{ lookup | join(', ') }}
        ) as latest
        inner join {{ source }} as source
            on
                {%- for key in quoted_keys %}
                latest.{{ key }} = source.{{ key }}
                and
                {%- endfor %} latest.__winning_date = {{ dated }}
                {%- if kwargs.get('known_from') or kwargs.get('known_until') %}
                and {{ is_known_as_of('latest.' ~ quoted_name(spine_date), dated, **kwargs) }}
                {%- endif %}
    ) as winners
        on
            {%- for column in lookup %}
            spine.{{ column }} = winners.__asked_{{ loop.index }}{{ ' and' if not loop.last }}
            {%- endfor %}
            {%- if not is_unique %}
            and winners.__rank = 1
            {%- endif %}
{%- endmacro %}

{#-
    Every row of the source known to a spine row, for windows and counts: the distinct keys and
    dates of the spine, each with all source rows known to it, their date last. Arguments as in
    as_of_join, except date_alias: the name of the source's date in the output (none: its own).
-#}
{% macro known_rows(
    spine, source, keys, columns, spine_date='application_date', source_date='snapshot_date',
    date_alias=none
) -%}
    {%- set lookup = quoted(keys) + [quoted_name(spine_date)] -%}
    {%- set dated = 'source.' ~ quoted_name(source_date) -%}
    select
        {%- for column in lookup %}
        spine.{{ column }},
        {%- endfor %}
        {%- for column in quoted(columns) %}
        source.{{ column }},
        {%- endfor %}
        {{ dated }} as {{ quoted_name(date_alias or source_date) }}
    from (select distinct {{ lookup | join(', ') }} from {{ spine }}) as spine
    inner join {{ source }} as source
        on
            {%- for key in quoted(keys) %}
            spine.{{ key }} = source.{{ key }}
            and
            {%- endfor %} {{ is_known_as_of('spine.' ~ quoted_name(spine_date), dated, **kwargs) }}
{%- endmacro %}

{#- A column's name in quotes, whatever it holds: blanks, quotes, a keyword. -#}
{% macro quoted_name(name) -%}
    {%- set mark = adapter.quote('')[0] -%}
    {{ return(mark ~ name.replace(mark, mark ~ mark) ~ mark) }}
{%- endmacro %}

{% macro quoted(names) -%}
    {%- set result = [] -%}
    {%- for name in names -%}{%- do result.append(quoted_name(name)) -%}{%- endfor -%}
    {{ return(result) }}
{%- endmacro %}
