{#-
    The earliest row of a loan in the first load that brought the loan, so that no later
    load changes an application. Where the source's corrections count for all time: in the latest
    version of every row.
-#}
{#- how a caller's own customer keys are cleaned (`main.py features`): the rule of silver -#}
{{ config(meta={'customer_key': text_value('customer_id')}) }}
{%- set of_first_load = (
    'repayments.known_until is null'
    if source_meta('lms_loan_daily', 'corrections') == 'retroactive'
    else 'repayments.load_id = first_loads.load_id'
) -%}

with repayments as (
    select * from {{ ref('loan_repayments') }}
),

first_loads as (
    select
        loan_id,
        min(load_id) as load_id
    from repayments
    group by loan_id
),

first_rows as (
    select
        repayments.loan_id,
        min(repayments.snapshot_date) as snapshot_date
    from repayments
    inner join first_loads on repayments.loan_id = first_loads.loan_id
    where {{ of_first_load }}
    group by repayments.loan_id
),

applications as (
    select
        repayments.loan_id,
        repayments.customer_id,
        repayments.loan_start_date as application_date,
        repayments.loan_amt,
        repayments.tenure
    from repayments
    inner join first_loads on repayments.loan_id = first_loads.loan_id
    inner join first_rows
        on
            repayments.loan_id = first_rows.loan_id
            and repayments.snapshot_date = first_rows.snapshot_date
    where {{ of_first_load }}
)

select * from applications
order by loan_id
