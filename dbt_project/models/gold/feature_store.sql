{{ config(materialized='incremental', unique_key='loan_id', meta={'in_batches': true}) }}
{%- set groups = ['application'] + feature_groups() | list -%}

with applications as (
    select * from {{ ref('loan_applications') }}
    where {{ in_batch() }}
    {%- if is_incremental() %}
    and loan_id not in (select loan_id from {{ this }} where {{ is_closed('application_date') }})
    {%- endif %}
),

{% for group in groups -%}
{{ group }} as (
    select * from {{ ref(group ~ '_features') }}
    where {{ in_batch() }}
),

{% endfor -%}
feature_store as (
    select
        applications.loan_id,
        applications.customer_id,
        applications.application_date
        {%- for group in groups %},
        {{ all_but(group, spine_columns()) }}
        {%- endfor %}
    from applications
    {%- for group in groups %}
    inner join {{ group }} on applications.loan_id = {{ group }}.loan_id
    {%- endfor %}
)

select * from feature_store
order by application_date, loan_id
