with versions as (
    {{ versions('features_attributes') }}
),

numbers as (
    select
        *,
        {{ number_value('Age') }} as age_number
    from versions
),

cleaned as (
    select
        *,
        {{ in_range('age_number', 'age', 'integer') }} as age_cleaned,
        {{ accepted(text_value('Occupation'), 'occupation') }} as occupation_cleaned
    from numbers
),

attributes as (
    select
        entity_id as customer_id,
        event_date as snapshot_date,
        age_cleaned as age,
        occupation_cleaned as occupation,
        coalesce({{ matches('SSN', '^[0-9]{3}-[0-9]{2}-[0-9]{4}$') }}, false) as is_ssn_valid,
        {{ list_of_actions([
            cleaning_action('age', 'Age', 'age_cleaned', number='age_number'),
            cleaning_action('occupation', 'Occupation', 'occupation_cleaned'),
        ]) }} as cleaning_actions,
        {{ version_columns() }}
    from cleaned
)

select * from attributes
order by customer_id, snapshot_date, load_id
