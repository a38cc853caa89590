-- Why: a few bad rows are dirt, one in a hundred of a load is a changed file. Warns: the rows are
-- kept, and whether to go on is for a person to say.
{{ config(severity='warn') }}
with loads as (
    select
        source,
        load_id,
        sum(row_count) as rows_landed,
        sum(row_count) filter (where fate = 'quarantined') as rows_quarantined
    from {{ ref('row_ledger') }}
    where layer = 'silver'
    group by source, load_id
)

select * from loads
where not (rows_quarantined <= 0.01 * rows_landed)
