{{ config(meta={'in_batches': true}) }}
-- depends_on: {{ ref('loan_applications') }}

with features as (
    select * from {{ ref('feature_store') }}
    where {{ in_batch() }}
),

labels as (
    {{ default_labels() }}
),

training_set as (
    select
        features.*,
        labels.label_definition,
        labels.label_date,
        labels.known_on as label_known_on,
        labels.days_past_due,
        labels.label,
        labels.split
    from features
    inner join labels on features.loan_id = labels.loan_id
)

select * from training_set
order by application_date, loan_id
