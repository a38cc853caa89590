{%- set loan_start_date = date_value('loan_start_date', source_meta('lms_loan_daily', 'date_format')) -%}

with attributes as (
    {{ set_aside_rows('features_attributes', key='Customer_ID') }}
),

financials as (
    {{ set_aside_rows('features_financials', key='Customer_ID') }}
),

clickstream as (
    {{ set_aside_rows('feature_clickstream', key='Customer_ID') }}
),

loans as (
    {{ set_aside_rows('lms_loan_daily', key='loan_id', loan_start_date=loan_start_date, contradictions={
        'invalid_loan_start_date': loan_start_date ~ ' is null',
        'invalid_installment_num':
            'not coalesce(' ~ matches(trimmed('installment_num'), '^[0-9]{1,4}([.]0*)?$') ~ ', false)',
        'snapshot_before_loan_start':
            date_value('snapshot_date', source_meta('lms_loan_daily', 'date_format'))
            ~ ' < ' ~ loan_start_date
    }) }}
),

set_aside as (
    select * from attributes
    union all
    select * from financials
    union all
    select * from clickstream
    union all
    select * from loans
)

select * from set_aside
order by source, load_id, row_number
