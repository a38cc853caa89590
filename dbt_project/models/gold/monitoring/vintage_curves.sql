{#-
    A vintage is the loans of one quarter of application. Its curve ends with the last month on book
    that all of its loans can have reached by the horizon, so every point is of the same loans.
-#}
{%- set days = [] -%}
{%- for definition in var('label_definitions') if definition.name == var('default_label') -%}
    {%- do days.append(definition.days_past_due) -%}
{%- endfor -%}
with applications as (
    select
        loan_id,
        application_date,
        cast(date_trunc('quarter', application_date) as date) as vintage
    from {{ ref('loan_applications') }}
),

repayments as (
    select * from {{ ref('loan_repayments') }}
    where known_until is null
),

horizon as (
    select max(snapshot_date) as horizon from repayments
),

first_months as (
    select
        loan_id,
        min(mob) as first_past_due_mob
    from repayments
    where days_past_due >= {{ days[0] }}
    group by loan_id
),

vintages as (
    select
        vintage,
        count(*) as loans,
        date_diff('month', max(application_date), any_value(horizon.horizon)) as last_mob
    from applications
    cross join horizon
    group by vintage
),

longest as (
    select max(mob) as mob from repayments
),

months as (
    select
        vintage,
        loans,
        unnest(range(0, least(last_mob, longest.mob) + 1)) as mob
    from vintages
    cross join longest
    where last_mob >= 0
),

past_due as (
    select
        applications.vintage,
        first_months.first_past_due_mob as mob,
        count(*) as loans
    from first_months
    inner join applications on first_months.loan_id = applications.loan_id
    group by applications.vintage, first_months.first_past_due_mob
),

vintage_curves as (
    select
        months.vintage,
        months.mob,
        months.loans,
        cast(sum(coalesce(past_due.loans, 0)) over upto as bigint) as loans_past_due,
        sum(coalesce(past_due.loans, 0)) over upto / months.loans as past_due_rate,
        {{ days[0] }} as min_days_past_due
    from months
    left join past_due on months.vintage = past_due.vintage and months.mob = past_due.mob
    window upto as (partition by months.vintage order by months.mob)
)

select * from vintage_curves
order by vintage, mob
