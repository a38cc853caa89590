-- Why: the spine decides which loans exist at all; both directions, and that it says what the
-- earliest row of the loan's first load does.
{% set of_first_load = (
    'known_until is null'
    if source_meta('lms_loan_daily', 'corrections') == 'retroactive'
    else 'load_id = first_load_id'
) -%}

with first_loads as (
    select
        *,
        min(load_id) over (partition by loan_id) as first_load_id
    from {{ ref('loan_repayments') }}
),

first_rows as (
    select
        loan_id,
        min_by(loan_start_date, snapshot_date) as application_date
    from first_loads
    where {{ of_first_load }}
    group by loan_id
)

select
    coalesce(first_rows.loan_id, applications.loan_id) as loan_id,
    first_rows.application_date as expected_application_date,
    applications.application_date
from first_rows
full outer join {{ ref('loan_applications') }} as applications
    on first_rows.loan_id = applications.loan_id
where first_rows.application_date is distinct from applications.application_date
