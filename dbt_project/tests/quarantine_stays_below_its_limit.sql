-- A source of which too many rows are in quarantine is a broken source: publish nothing. Held
-- against the newest load, the one a user can do something about.
with landed as (
    select
        source,
        load_id,
        rows_landed
    from {{ source('bronze', 'loads') }}
    qualify load_id = max(load_id) over (partition by source)
),

quarantined as (
    select
        source,
        load_id,
        count(*) as row_count
    from {{ ref('quarantine') }}
    group by source, load_id
),

shares as (
    select
        landed.source,
        landed.load_id,
        quarantined.row_count,
        landed.rows_landed,
        quarantined.row_count / landed.rows_landed as quarantined_share
    from landed
    inner join quarantined
        on landed.source = quarantined.source and landed.load_id = quarantined.load_id
)

select * from shares
where quarantined_share > {{ var('max_quarantined_share') }}
