-- Why: a source can change without breaking its contract: half of the rows, another unit, a value
-- that is no longer filled. Each month that the newest load brought rows for is held against the
-- months before it; the limits are drift_limits in dbt_project.yml. Warns, one row per jump with
-- its figures: the rows are right as far as anyone can tell, and what to do is for a person to say.
-- Not on Spark, which has neither a median over a moving window nor rows unnested from structs; what
-- it looks at is the same there.
{{ config(severity='warn', enabled=target.type == 'duckdb') }}
{%- set limits = var('drift_limits') %}
{%- set sources = {} %}
{%- for name, source in var('sources').items() %}
    {%- set columns = compared_columns(source.silver) %}
    {#- amounts of a loan move as it grows older: those of the first month can be compared -#}
    {%- set comparable = 'mob = 1' if source.silver == 'loan_repayments' else 'true' %}
    {%- do sources.update({name: (ref(source.silver), columns.numbers, columns.texts, comparable)}) %}
{%- endfor -%}

with months as (
    {%- for source, (table, numbers, texts, comparable) in sources.items() %}
    select
        '{{ source }}' as source,
        cast(date_trunc('month', snapshot_date) as date) as snapshot_month,
        bool_or(load_id = (select max(load_id) from {{ table }})) as is_new,
        count(*) as row_count
    from {{ table }}
    where known_until is null
    group by date_trunc('month', snapshot_date)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- counts of whole columns: a filter clause for each of so many costs more than all the rest
measured as (
    {%- for source, (table, numbers, texts, comparable) in sources.items() %}
    {%- set shares = {} %}
    {%- for column in numbers + texts %}
        {%- do shares.update({'share without ' ~ column: ('count(*)', 'count(*) - count(' ~ column ~ ')')}) %}
    {%- endfor %}
    {%- for column in texts %}
        {%- for value in var('accepted_values')[column] %}
            {%- do shares.update({
                'share of ' ~ column ~ ' ' ~ value:
                    ('count(' ~ column ~ ')', 'count_if(' ~ column ~ " = '" ~ value ~ "')")
            }) %}
        {%- endfor %}
    {%- endfor %}
    select
        '{{ source }}' as source,
        cast(date_trunc('month', snapshot_date) as date) as snapshot_month,
        [
            {%- for column in numbers %}
            {
                measure: 'mean of {{ column }}', is_share: false,
                observations: count({{ column }}),
                total: sum(cast({{ column }} as double)),
                squares: sum(cast({{ column }} as double) * cast({{ column }} as double))
            },
            {%- endfor %}
            {%- for measure, (counted, found) in shares.items() %}
            {
                measure: '{{ measure }}', is_share: true,
                observations: {{ counted }},
                total: cast({{ found }} as double),
                squares: cast({{ found }} as double)
            }{{ ',' if not loop.last }}
            {%- endfor %}
        ] as measures
    from {{ table }}
    where known_until is null and {{ comparable }}
    group by date_trunc('month', snapshot_date)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- with a month of no rows wherever one is missing between the first and the last
volumes as (
    select
        calendar.source,
        calendar.snapshot_month,
        coalesce(months.row_count, 0) as row_count,
        coalesce(
            months.is_new,
            lead(months.is_new ignore nulls)
                over (partition by calendar.source order by calendar.snapshot_month)
        ) as is_new
    from (
        select
            source,
            cast(unnest(generate_series(
                min(snapshot_month), max(snapshot_month), interval 1 month
            )) as date) as snapshot_month
        from months
        group by source
    ) as calendar
    left join months
        on
            calendar.source = months.source
            and calendar.snapshot_month = months.snapshot_month
),

volume_changes as (
    select
        *,
        lag(row_count) over (partition by source order by snapshot_month) as rows_before,
        row_count - lag(row_count) over (partition by source order by snapshot_month) as change
    from volumes
),

-- as many rows as the month before and the usual change on top: a book of loans grows and shrinks
expected_volumes as (
    select
        *,
        greatest(rows_before + median(change) over history, 0) as rows_expected,
        count(change) over history as months_before
    from volume_changes
    window history as (
        partition by source order by snapshot_month
        rows between {{ limits.history_months }} preceding and 1 preceding
    )
),

volume_jumps as (
    select
        source,
        snapshot_month,
        format('{:,} rows, about {:,} expected', row_count, cast(rows_expected as bigint)) as jump
    from expected_volumes
    where
        is_new
        and months_before >= {{ limits.min_history_months }}
        and rows_expected >= {{ limits.min_rows }}
        and (
            row_count > rows_expected * {{ limits.rows_ratio }}
            or row_count < rows_expected / {{ limits.rows_ratio }}
        )
        and abs(row_count - rows_expected)
        > {{ limits.standard_errors }} * sqrt(greatest(row_count, rows_expected))
),

measures as (
    select
        measured.source,
        measured.snapshot_month,
        months.is_new,
        unnest(measured.measures, recursive := true)  -- noqa: AL03
    from measured
    inner join months
        on
            measured.source = months.source
            and measured.snapshot_month = months.snapshot_month
),

histories as (
    select
        *,
        total / observations as value,
        sum(observations) over history as observations_before,
        sum(total) over history as total_before,
        sum(squares) over history as squares_before,
        count(*) over history as months_before
    from measures
    where observations > 0
    window history as (
        partition by source, measure order by snapshot_month
        rows between {{ limits.history_months }} preceding and 1 preceding
    )
),

-- the spread of the rows; half a row more or less where a share was 0 or 1 throughout
compared as (
    select
        *,
        total_before / observations_before as value_before,
        sqrt(greatest(
            squares_before / observations_before - pow(total_before / observations_before, 2),
            case when is_share then 0.5 / observations_before else 0 end
        )) as deviation
    from histories
    where
        is_new
        and months_before >= {{ limits.min_history_months }}
        and least(observations, observations_before) >= {{ limits.min_rows }}
),

measure_jumps as (
    select
        source,
        snapshot_month,
        case
            when is_share
                then format(
                    '{} is {:.1f} %, was {:.1f} % before', measure, 100 * value, 100 * value_before
                )
            else format(
                '{} is {:.6g}, was {:.6g} before (standard deviation {:.6g})',
                measure, value, value_before, deviation
            )
        end as jump
    from compared
    where
        abs(value - value_before)
        > case when is_share then {{ limits.share }} else {{ limits.mean_deviations }} * deviation end
        and abs(value - value_before)
        > {{ limits.standard_errors }} * deviation * sqrt(1 / observations + 1 / observations_before)
),

jumps as (
    select * from volume_jumps
    union all
    select * from measure_jumps
)

select
    *,
    source || ' ' || strftime(snapshot_month, '%Y-%m') || ': ' || jump as message
from jumps
order by source, snapshot_month, jump
