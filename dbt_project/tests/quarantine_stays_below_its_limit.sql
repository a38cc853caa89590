-- Why: a few bad rows are dirt, one in a hundred of a load is for a person to look at, one in twenty
-- is a broken source: nothing of it is published. Held against the newest load of a source, the one
-- a user can do something about; the shares are in dbt_project.yml. Warns or fails by itself.
{{ config(
    fail_calc='coalesce(max(case when is_above_limit then 2 else 1 end), 0)',
    warn_if='>= 1',
    error_if='>= 2',
) }}
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
        reason,
        count(*) as row_count
    from {{ ref('quarantine') }}
    group by source, load_id, reason
),

shares as (
    select
        landed.source,
        landed.load_id,
        landed.rows_landed,
        sum(quarantined.row_count) as rows_quarantined,
        sum(quarantined.row_count) / landed.rows_landed as quarantined_share,
        max_by(quarantined.reason, quarantined.row_count) as main_reason
    from landed
    inner join quarantined
        on landed.source = quarantined.source and landed.load_id = quarantined.load_id
    group by landed.source, landed.load_id, landed.rows_landed
),

judged as (
    select
        *,
        quarantined_share > {{ var('max_quarantined_share') }}
        and rows_quarantined >= {{ var('min_quarantined_rows') }} as is_above_limit
    from shares
)

select
    *,
    printf(
        '%s: %.1f %% of the newest load is in quarantine (%,d of %,d rows, most of them %s);'
        ' the limit is %.1f %%%s',
        source,
        100 * quarantined_share,
        cast(rows_quarantined as bigint),
        rows_landed,
        main_reason,
        cast(100 * if(is_above_limit, {{ var('max_quarantined_share') }}, {{ var('warn_quarantined_share') }}) as double),
        if(is_above_limit, '', ' before a warning')
    ) as message
from judged
where quarantined_share > {{ var('warn_quarantined_share') }}
order by is_above_limit desc, source
