{%- set groups = var('feature_groups') -%}

with applications as (
    select * from {{ ref('loan_applications') }}
),

{% for group in groups -%}
{{ group }} as (
    select * from {{ ref(group ~ '_features') }}
),

{% endfor -%}
feature_store as (
    select
        applications.*
        {%- for group in groups %},
        {{ all_but(group, ['loan_id', 'customer_id', 'application_date']) }}
        {%- endfor %}
    from applications
    {%- for group in groups %}
    inner join {{ group }} on applications.loan_id = {{ group }}.loan_id
    {%- endfor %}
)

select * from feature_store
order by application_date, loan_id
