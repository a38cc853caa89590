-- Why: counts can agree while one row is used twice and another is lost. Row by row: each row of
-- bronze is either used by its silver table or set aside, never both, never neither, and silver
-- holds no row that bronze does not. Row numbers are compared sixty at a time, as bits: as many
-- rows as bits say that no number is there twice.
{%- for name, silver in var('sources').items() %}
select
    '{{ name }}' as source,
    load_id,
    source_file,
    60 * sixty as from_row_number,
    rows_landed,
    fates
from (
    select
        load_id,
        source_file,
        sixty,
        sum(landed) as rows_landed,
        sum(fate) as fates,
        coalesce(bit_or(case when landed = 1 then row_bit end), 0) as landed_bits,
        coalesce(bit_or(case when fate = 1 then row_bit end), 0) as fate_bits
    from (
        select
            load_id,
            source_file,
            cast(floor(row_number / 60) as bigint) as sixty,
            cast(1 as bigint) << cast(row_number % 60 as integer) as row_bit,
            landed,
            fate
        from (
            select _load_id as load_id, _source_file as source_file, _row_number as row_number, 1 as landed, 0 as fate
            from {{ source('bronze', name) }}
            union all
            select load_id, source_file, row_number, 0 as landed, 1 as fate
            from {{ ref(silver.silver) }}
            union all
            select load_id, source_file, row_number, 0 as landed, 1 as fate
            from {{ ref('set_aside_rows') }}
            where source = '{{ name }}'
        )
    )
    group by load_id, source_file, sixty
)
where not (
    landed_bits = fate_bits
    and rows_landed = bit_count(landed_bits)
    and fates = bit_count(fate_bits)
)
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
