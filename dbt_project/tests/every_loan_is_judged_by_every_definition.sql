-- Why: a loan without a row in label_maturity would be missing from the labels without a word.
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

select 'lost' as problem, * from (select * from expected except all select * from judged)
union all
select 'added' as problem, * from (select * from judged except all select * from expected)
