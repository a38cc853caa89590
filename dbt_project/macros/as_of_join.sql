{#-
    The point-in-time rule. Every feature of the gold layer comes through this file.

    A row of a source is known to a row of the spine when their keys are equal and not null, its
    date is there and lies on or before the spine's date (before it, where the boundary is strict),
    its delay has passed, it is not older than the maximum age, and it was learnt in time.

    boundary        'inclusive': a row dated on the spine's date counts; 'strict': it does not
    delay_days      a row is available so many days after its date, and not used before
    max_age_days    a row of exactly this age is used, an older one is not; none: no limit
    recorded_at     column of the source that says when the row was learnt; none: not asked
    known_at        rows learnt after this moment are not used: a timestamp in quotes, or a column
                    of the spine as spine.<column>
    A date compared with a timestamp is that day's midnight; timestamps with a zone are compared in
    UTC, as instants.
-#}
{% macro is_known_as_of(
    spine_date, source_date, boundary='inclusive', delay_days=0, max_age_days=none,
    recorded_at=none, known_at=none
) -%}
    {%- if boundary not in ('inclusive', 'strict') -%}
        {{ exceptions.raise_compiler_error("boundary is '" ~ boundary ~ "': use inclusive or strict") }}
    {%- endif -%}
    {%- if (recorded_at is none) != (known_at is none) -%}
        {{ exceptions.raise_compiler_error('recorded_at and known_at go together: give both or neither') }}
    {%- endif -%}
    {{ plus_days(source_date, delay_days) }} {{ '<=' if boundary == 'inclusive' else '<' }} {{ spine_date }}
    {%- if max_age_days is not none %}
    and {{ plus_days(source_date, max_age_days) }} >= {{ spine_date }}
    {%- endif %}
    {%- if recorded_at is not none %}
    and source.{{ quoted_name(recorded_at) }} <= {{ known_at }}
    {%- endif %}
{%- endmacro %}

{% macro plus_days(date, days) -%}
    {{ date }}{% if days %} + interval '{{ days }}' day{% endif %}
{%- endmacro %}

{#- A source's own rule, from its contract: as_of_join(..., **source_rule('feature_clickstream')). -#}
{% macro source_rule(name) -%}
    {%- set rule = {'boundary': 'inclusive', 'delay_days': 0, 'max_age_days': none} -%}
    {%- if execute -%}
        {%- for part in ('boundary', 'delay_days', 'max_age_days') -%}
            {%- do rule.update({part: source_meta(name, part)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(rule) }}
{%- endmacro %}

{#- The same, if the source were available one day later than it is. -#}
{% macro source_rule_one_day_later(name) -%}
    {%- set rule = source_rule(name) -%}
    {{ return(dict(rule, delay_days=rule.delay_days + 1)) }}
{%- endmacro %}

{#- The day on which a label is known: its last repayment row is available then, not before. -#}
{% macro label_known_on(label_date) -%}
    {{ plus_days(label_date, source_rule('lms_loan_daily').delay_days) }}
{%- endmacro %}

{#-
    A model's own SQL, rendered once more with that rule in the place of the source's own, for the
    applications of the caller's CTE sampled_applications. Of the other inputs it reads the rows of
    their customers: those of others change nothing and are most of a large set.
-#}
{% macro model_one_day_later(name) -%}
    {%- if execute -%}
        {%- set model = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
        {%- set changed = '{% set source_rule = source_rule_one_day_later %}{% set ref = ref_of_sampled_applications %}' -%}
        {{ return(render(changed ~ model.raw_code)) }}
    {%- endif -%}
{%- endmacro %}

{% macro ref_of_sampled_applications(name) -%}
    {%- if name == 'loan_applications' -%}{{ return('sampled_applications') }}{%- endif -%}
    {%- set customers = '(select customer_id from sampled_applications)' -%}
    {{ return('(select * from ' ~ ref(name) ~ ' where customer_id in ' ~ customers ~ ')') }}
{%- endmacro %}

{#-
    For every row of the spine the latest row of the source known to it, taken whole: a null inside
    the winner stays null. Exactly one output row per spine row, whatever the input: every column
    of the spine, the wanted columns (null where nothing was known), and the winner's date.

        {{ as_of_join(ref('loan_applications'), ref('clickstream'), ['customer_id'], ['fe_1']) }}

    spine           relation or CTE; its rows may repeat, its keys and dates may be null
    source          relation or CTE of dated rows, in any order, with repeats and nulls
    keys            key columns, named alike in both, one or several
    columns         wanted columns of the source
    spine_date      date or timestamp of the spine
    source_date     date or timestamp of the source
    date_alias      name of the winner's date in the output
    tie_break       what decides between rows of one key and date: order by terms over the source,
                    e.g. ['_load_id desc']; behind them all wanted columns decide, so that the
                    answer is the same on every run, thread count and order of the input
    is_unique       true where a test holds keys and source_date unique in the source: no tie-break
    rule            the arguments of is_known_as_of
-#}
{% macro as_of_join(
    spine, source, keys, columns, spine_date='application_date', source_date='snapshot_date',
    date_alias='snapshot_date', tie_break=[], is_unique=false,
    boundary='inclusive', delay_days=0, max_age_days=none, recorded_at=none, known_at=none
) -%}
    {%- set quoted_keys = quoted(keys) -%}
    {%- set quoted_columns = quoted(columns) -%}
    {%- set spine_date = quoted_name(spine_date) -%}
    {%- set source_date = quoted_name(source_date) -%}
    {%- set is_known = is_known_as_of(
        'spine.' ~ spine_date, 'source.' ~ source_date, boundary, delay_days, max_age_days,
        recorded_at, known_at
    ) -%}
    {#- a cutoff that differs from row to row of the spine is part of what the answer hangs on -#}
    {%- set asked = quoted_keys + [spine_date] -%}
    {%- if known_at and known_at.startswith('spine.') -%}
        {%- do asked.append(known_at[6:]) -%}
    {%- endif -%}
    select
        spine.*,
        {%- for column in quoted_columns %}
        winners.{{ column }},
        {%- endfor %}
        winners.__winning_date as {{ quoted_name(date_alias) }}
    from {{ spine }} as spine
    left join (
        select
            {%- for column in asked %}
            latest.{{ column }} as {{ asked_alias(loop.index) }},
            {%- endfor %}
            {%- for column in quoted_columns %}
            source.{{ column }},
            {%- endfor %}
            latest.__winning_date
            {%- if not is_unique %},
            row_number() over (
                partition by
                    {%- for column in asked %}
                    latest.{{ column }}{{ ',' if not loop.last }}
                    {%- endfor %}
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
            select
                {%- for column in asked %}
                spine.{{ column }},
                {%- endfor %}
                max(source.{{ source_date }}) as __winning_date
            from (select distinct {{ asked | join(', ') }} from {{ spine }}) as spine
            inner join {{ source }} as source
                on
                    {%- for key in quoted_keys %}
                    spine.{{ key }} = source.{{ key }}
                    and
                    {%- endfor %} {{ is_known }}
            group by
                {%- for column in asked %}
                spine.{{ column }}{{ ',' if not loop.last }}
                {%- endfor %}
        ) as latest
        inner join {{ source }} as source
            on
                {%- for key in quoted_keys %}
                latest.{{ key }} = source.{{ key }}
                and
                {%- endfor %} latest.__winning_date = source.{{ source_date }}
                {%- if recorded_at is not none %}
                and source.{{ quoted_name(recorded_at) }} <= {{ known_at | replace('spine.', 'latest.') }}
                {%- endif %}
    ) as winners
        on
            {%- for column in asked %}
            spine.{{ column }} = winners.{{ asked_alias(loop.index) }}{{ ' and' if not loop.last }}
            {%- endfor %}
            {%- if not is_unique %}
            and winners.__rank = 1
            {%- endif %}
{%- endmacro %}

{#-
    Every row of the source known to a spine row, for windows and counts: the distinct keys and
    dates of the spine, each with all source rows known to it. Arguments as in as_of_join.
-#}
{% macro known_rows(
    spine, source, keys, columns, spine_date='application_date', source_date='snapshot_date',
    boundary='inclusive', delay_days=0, max_age_days=none, recorded_at=none, known_at=none
) -%}
    select
        {%- for key in quoted(keys) %}
        spine.{{ key }},
        {%- endfor %}
        spine.{{ quoted_name(spine_date) }},
        {%- for column in quoted(columns) %}
        source.{{ column }},
        {%- endfor %}
        source.{{ quoted_name(source_date) }}
    from (
        select distinct {{ (quoted(keys) + [quoted_name(spine_date)]) | join(', ') }} from {{ spine }}
    ) as spine
    inner join {{ source }} as source
        on
            {%- for key in quoted(keys) %}
            spine.{{ key }} = source.{{ key }}
            and
            {%- endfor %} {{ is_known_as_of(
                'spine.' ~ quoted_name(spine_date), 'source.' ~ quoted_name(source_date),
                boundary, delay_days, max_age_days, recorded_at, known_at
            ) }}
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

{% macro asked_alias(position) -%}__asked_{{ position }}{%- endmacro %}
