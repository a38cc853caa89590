-- Why: the two stores meet here, and a split that overlaps in what was known makes a model look
-- better than it is. The rows are exactly the labels of the default definition, and every split
-- keeps its promise.
with training_set as (
    select
        loan_id,
        application_date,
        label_date,
        label_known_on,
        days_past_due,
        label,
        split
    from {{ ref('training_set') }}
),

labels as (
    select * from {{ ref('label_store') }}
    where label_definition = '{{ var('default_label') }}'
),

dates as (
    select
        cast('{{ var('validation_from') }}' as date) as validation_from,
        cast('{{ var('test_from') }}' as date) as test_from
),

checked as (
    select
        coalesce(training_set.loan_id, labels.loan_id) as loan_id,
        training_set.split,
        training_set.application_date,
        training_set.label_known_on,
        training_set.loan_id is not null
        and training_set.label = labels.label
        and training_set.label_date = labels.label_date
        and training_set.label_known_on = labels.known_on
        and training_set.application_date = labels.application_date
        and training_set.days_past_due = labels.days_past_due as is_the_label,
        case training_set.split
            when 'test' then training_set.application_date >= test_from
            when 'embargo'
                then
                    training_set.application_date < test_from
                    and (labels.known_on > test_from or labels.window_ends_on > test_from)
            when 'validation'
                then
                    training_set.application_date >= validation_from
                    and training_set.application_date < test_from
                    and labels.known_on <= test_from
            when 'train'
                then
                    training_set.application_date < validation_from
                    and labels.known_on <= test_from
        end as is_split_kept
    from training_set
    full outer join labels on training_set.loan_id = labels.loan_id
    cross join dates
)

select * from checked
where not coalesce(is_the_label and is_split_kept, false)
