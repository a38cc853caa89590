{%- set groups = ['application'] + feature_groups() | list -%}

with applications as (
    {{ applications_to_build() }}
),

{% for group in groups -%}
{{ group }} as (
    select * from {{ ref(group ~ '_features') }}
    where {{ in_batch('application_date') }}
),

{% endfor -%}
feature_store as (
    select
        applications.loan_id,
        applications.customer_id,
        applications.application_date
        {%- for group in groups %},
        {{ all_but(group, ['loan_id', 'customer_id', 'application_date']) }}
        {%- endfor %}
    from applications
    {%- for group in groups %}
    inner join {{ group }} on applications.loan_id = {{ group }}.loan_id
    {%- endfor %}
)

select * from feature_store
{%- if is_incremental() %}
union all
{{ closed_rows() }}
{%- endif %}
order by application_date, loan_id
