{#-
    Population stability index of a feature's month against the reference months: the sum over its
    bins of (share - reference share) * ln(share / reference share). Half a loan is added to every
    count, so that an empty bin of a small month stays finite.
-#}
with bins as (
    select * from {{ ref('feature_bins') }}
),

reference as (
    select
        feature,
        bin,
        coalesce(sum(loans) filter (where is_reference), 0) as loans
    from bins
    group by feature, bin
),

reference_totals as (
    select
        feature,
        sum(loans) as loans,
        count(*) as bins
    from reference
    group by feature
),

months as (
    select
        feature,
        application_month,
        sum(loans) as loans,
        coalesce(sum(loans) filter (where bin = 'unknown'), 0) as unknown_loans
    from bins
    group by feature, application_month
),

shares as (
    select
        months.feature,
        months.application_month,
        (coalesce(bins.loans, 0) + 0.5e0) / (months.loans + 0.5e0 * reference_totals.bins) as share,
        (reference.loans + 0.5e0) / (reference_totals.loans + 0.5e0 * reference_totals.bins)
            as reference_share
    from months
    inner join reference_totals on months.feature = reference_totals.feature
    inner join reference on months.feature = reference.feature
    left join bins
        on
            reference.feature = bins.feature
            and reference.bin = bins.bin
            and months.application_month = bins.application_month
),

indices as (
    select
        feature,
        application_month,
        round(sum((share - reference_share) * ln(share / reference_share)), 6) as psi
    from shares
    group by feature, application_month
),

drift as (
    select
        months.feature,
        months.application_month,
        cast(months.loans as bigint) as loans,
        months.unknown_loans / months.loans as null_rate,
        -- nothing to compare with where the reference months have no loan
        case when reference_totals.loans > 0 then indices.psi end as psi,
        round(
            (reference_totals.bins - 1) * (1 / months.loans + 1 / nullif(reference_totals.loans, 0)),
            6
        ) as psi_by_chance
    from months
    inner join reference_totals on months.feature = reference_totals.feature
    inner join indices
        on
            months.feature = indices.feature
            and months.application_month = indices.application_month
),

flagged as (
    select
        *,
        coalesce(
            psi >= {{ var('psi_limit') }} and psi >= {{ var('psi_chance_factor') }} * psi_by_chance,
            false
        ) as is_drifted
    from drift
),

judged as (
    select
        *,
        case
            when psi is null then 'unknown'
            when is_drifted then 'drifted'
            when psi < {{ var('psi_steady') }} then 'steady'
            when psi < {{ var('psi_chance_factor') }} * psi_by_chance then 'chance'
            else 'moved'
        end as drift_state
    from flagged
)

select * from judged
order by feature, application_month
