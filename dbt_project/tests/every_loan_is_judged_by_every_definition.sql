-- Why: a loan without a row in label_maturity would be missing from the labels without a word. That
-- none has two rows of one definition the table's grain says.
with expected as (
    select
        applications.loan_id,
        applications.customer_id,
        applications.application_date,
        definitions.label_definition
    from {{ ref('loan_applications') }} as applications
    cross join {{ ref('label_definitions') }} as definitions
),

judged as (
    select loan_id, customer_id, application_date, label_definition
    from {{ ref('label_maturity') }}
)

select
    case when judged.loan_id is null then 'lost' else 'added' end as problem,
    coalesce(expected.loan_id, judged.loan_id) as loan_id,
    coalesce(expected.label_definition, judged.label_definition) as label_definition
from expected
full outer join judged
    on
        expected.loan_id = judged.loan_id
        and expected.label_definition = judged.label_definition
        and expected.customer_id is not distinct from judged.customer_id
        and expected.application_date is not distinct from judged.application_date
where expected.loan_id is null or judged.loan_id is null
