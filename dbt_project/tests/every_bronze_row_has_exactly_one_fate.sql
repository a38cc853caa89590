-- Why: counts can agree while one row is used twice and another is lost. Row by row: each row of
-- bronze is either used by its silver table or set aside, never both, never neither, and silver
-- holds no row that bronze does not.
with fates as (
    {%- for name, source in var('sources').items() %}
    select '{{ name }}' as source, load_id, source_file, row_number
    from {{ ref(source.silver) }}
    union all
    {%- endfor %}
    select source, load_id, source_file, row_number
    from {{ ref('set_aside_rows') }}
),

landed as (
    {%- for name in var('sources') %}
    select
        '{{ name }}' as source,
        _load_id as load_id,
        _source_file as source_file,
        _row_number as row_number
    from {{ source('bronze', name) }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- as many fates as rows, and none missing: so none has two
counts as (
    select source, load_id, source_file, sum(row_count) as surplus
    from (
        select source, load_id, source_file, count(*) as row_count
        from fates
        group by source, load_id, source_file
        union all
        select source, load_id, source_file, -count(*) as row_count
        from landed
        group by source, load_id, source_file
    )
    group by source, load_id, source_file
)

select 'no fate' as problem, source, load_id, source_file, row_number
from landed
anti join fates using (source, load_id, source_file, row_number)
union all
select 'not in bronze' as problem, source, load_id, source_file, row_number
from fates
anti join landed using (source, load_id, source_file, row_number)
union all
select 'two fates' as problem, source, load_id, source_file, null as row_number
from counts
where surplus > 0
