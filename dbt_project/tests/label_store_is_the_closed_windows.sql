-- Why: a label that is used before its window closed, or is in no window, is a look into the
-- future. label_store holds exactly the closed rows of label_maturity; every label agrees with its
-- definition; and its window is after the application.
with labels as (
    select * from {{ ref('label_store') }}
),

closed as (
    select * from {{ ref('label_maturity') }}
    where is_closed
),

checked as (
    select
        coalesce(labels.loan_id, closed.loan_id) as loan_id,
        coalesce(labels.label_definition, closed.label_definition) as label_definition,
        labels.label_date,
        labels.label,
        labels.loan_id is not null and closed.loan_id is not null as is_in_both,
        labels.label = cast(labels.days_past_due >= definitions.min_days_past_due as integer)
        and labels.label = closed.label as is_label_right,
        labels.label_date > labels.application_date
        and labels.known_on >= labels.label_date as is_after_application
    from labels
    full outer join closed
        on
            labels.loan_id = closed.loan_id
            and labels.label_definition = closed.label_definition
    left join {{ ref('label_definitions') }} as definitions
        on labels.label_definition = definitions.label_definition
)

select * from checked
where not coalesce(is_in_both and is_label_right and is_after_application, false)
