-- Why: the spine decides which loans exist at all; both directions, and the date that the first
-- row of the loan says.
with first_rows as (
    select
        loan_id,
        min_by(loan_start_date, snapshot_date) as application_date
    from {{ ref('loan_repayments') }}
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
