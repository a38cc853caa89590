with ledger as (
    select * from {{ ref('ledger_summary') }}
),

layers as (
    select
        source,
        coalesce(sum(row_count) filter (where layer = 'file'), 0) as in_files,
        coalesce(sum(row_count) filter (where layer = 'bronze'), 0) as at_bronze,
        coalesce(sum(row_count) filter (where fate = 'landed'), 0) as landed,
        coalesce(sum(row_count) filter (where layer = 'silver'), 0) as at_silver,
        coalesce(sum(row_count) filter (where fate = 'used'), 0) as used,
        coalesce(sum(row_count) filter (where layer = 'gold'), 0) as at_gold
    from ledger
    group by source
),

ledger_balance as (
    select
        source,
        cast(in_files as bigint) as rows_in_files,
        cast(in_files - at_bronze as bigint) as lost_at_bronze,
        cast(landed - at_silver as bigint) as lost_at_silver,
        cast(used - at_gold as bigint) as lost_at_gold
    from layers
)

select * from ledger_balance
order by source
