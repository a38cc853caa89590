with ledger as (
    select * from {{ ref('row_ledger') }}
),

ledger_summary as (
    select
        source,
        layer,
        fate,
        reason,
        cast(sum(row_count) as bigint) as row_count
    from ledger
    group by source, layer, fate, reason
)

select * from ledger_summary
order by
    source,
    case layer when 'file' then 1 when 'bronze' then 2 when 'silver' then 3 else 4 end,
    row_count desc,
    fate,
    reason
