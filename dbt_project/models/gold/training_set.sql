with features as (
    select * from {{ ref('feature_store') }}
),

labels as (
    select * from {{ ref('label_store') }}
    where label_definition = '{{ var('default_label') }}'
),

training_set as (
    select
        features.*,
        labels.label_definition,
        labels.label_date,
        labels.days_past_due,
        labels.label,
        case
            when features.application_date >= cast('{{ var('test_from') }}' as date) then 'test'
            when {{ label_known_on('labels.label_date') }} > cast('{{ var('test_from') }}' as date) then 'embargo'
            when features.application_date >= cast('{{ var('validation_from') }}' as date) then 'validation'
            else 'train'
        end as split
    from features
    inner join labels on features.loan_id = labels.loan_id
)

select * from training_set
order by application_date, loan_id
