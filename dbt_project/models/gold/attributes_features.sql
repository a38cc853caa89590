{{ config(materialized='incremental', unique_key='loan_id') }}

with applications as (
    select * from {{ ref('loan_applications') }}
    {%- if is_incremental() %}
    where loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
    {%- endif %}
),

attributes as (
    select * from {{ ref('customer_attributes') }}
),

joined as (
    {{ as_of_join(
        'applications', 'attributes', keys=['customer_id'], columns=['age', 'occupation'],
        is_unique=true, **source_rule('features_attributes')
    ) }}
),

missing as (
    {{ missing_rows('applications', 'attributes', 'features_attributes') }}
),

features as (
    select
        joined.loan_id,
        joined.customer_id,
        joined.application_date,
        joined.age,
        joined.occupation,
        {{ provenance('attributes') }}
    from joined
    left join missing
        on
            joined.customer_id = missing.customer_id
            and joined.application_date = missing.application_date
)

select * from features
order by loan_id
