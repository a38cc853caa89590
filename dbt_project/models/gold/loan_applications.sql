{#- how a caller's own customer keys are cleaned (`main.py features`): the rule of silver -#}
{{ config(meta={'customer_key': text_value('customer_id')}) }}

-- what the first row of a loan says; later rows cannot change its application
with repayments as (
    select * from {{ ref('loan_repayments') }}
),

first_rows as (
    select
        loan_id,
        min(snapshot_date) as snapshot_date
    from repayments
    group by loan_id
),

applications as (
    select
        repayments.loan_id,
        repayments.customer_id,
        repayments.loan_start_date as application_date
    from repayments
    inner join first_rows
        on
            repayments.loan_id = first_rows.loan_id
            and repayments.snapshot_date = first_rows.snapshot_date
)

select * from applications
order by loan_id
