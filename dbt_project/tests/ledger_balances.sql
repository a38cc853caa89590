-- Why: "no row is lost" is a promise only when the counts add up, per source and load: rows read
-- from the file = rows landed + rows seen before; rows landed = the rows of all fates of silver;
-- rows that silver uses = the rows of all fates of gold.
with loads as (
    select
        source,
        load_id,
        coalesce(sum(row_count) filter (where layer = 'file' and fate = 'read'), 0) as rows_read,
        coalesce(sum(row_count) filter (where layer = 'bronze' and fate = 'landed'), 0) as rows_landed,
        coalesce(sum(row_count) filter (where layer = 'bronze' and fate = 'seen_before'), 0) as rows_seen_before,
        coalesce(sum(row_count) filter (where layer = 'silver'), 0) as rows_in_silver,
        coalesce(sum(row_count) filter (where layer = 'silver' and fate = 'used'), 0) as rows_used,
        coalesce(sum(row_count) filter (where layer = 'gold'), 0) as rows_in_gold
    from {{ ref('row_ledger') }}
    group by source, load_id
),

checked as (
    select
        *,
        rows_read = rows_landed + rows_seen_before as is_file_accounted_for,
        rows_landed = rows_in_silver as is_bronze_accounted_for,
        rows_used = rows_in_gold as is_silver_accounted_for
    from loads
)

select * from checked
where not (is_file_accounted_for and is_bronze_accounted_for and is_silver_accounted_for)
