{#-
    Why it matters that features are read as they were known. For the applications of customers of
    whom rows came late or corrected, the snapshot of each source is found twice: as it was known,
    and as if every row had been known from its date in its latest version.
-#}
{%- set sources = var('sources') -%}
{%- set applications = ref('loan_applications') -%}

with
{% for name, source in sources.items() -%}
{%- set rule = source_rule(name) -%}
{%- set retroactive_rule = {
    'boundary': rule.boundary,
    'max_age_days': rule.max_age_days,
    'delay_days': source_meta(name, 'delay_days'),
} -%}
{%- set latest_versions = '(select * from ' ~ ref(source.silver) ~ ' where known_until is null)' -%}
{%- set is_of_loans = source.silver == 'loan_repayments' -%}
{%- set keys = ['customer_id', 'loan_id'] if is_of_loans else ['customer_id'] -%}
{%- set columns = value_columns(source.silver) -%}
{{ name }}_arrivals as (
    select
        count(case when arrival = 'correction' then 1 end) as corrections,
        count(case when arrival = 'late' then 1 end) as late_rows
    from {{ ref(source.silver) }}
),

{{ name }}_spine as (
    select distinct
        applications.loan_id as application_id,
        {{ 'rows_there' if is_of_loans else 'applications' }}.loan_id,
        applications.customer_id,
        applications.application_date
    from {{ applications }} as applications
    inner join {{ ref(source.silver) }} as rows_there
        on
            applications.customer_id = rows_there.customer_id
            and applications.application_date >= rows_there.snapshot_date
            {%- if is_of_loans %}
            and applications.application_date > rows_there.loan_start_date
            {%- endif %}
    where rows_there.arrival <> 'on_time'
),

{{ name }}_as_known as (
    {{ as_of_join(name ~ '_spine', ref(source.silver), keys, columns, **rule) }}
),

{{ name }}_retroactive as (
    {{ as_of_join(name ~ '_spine', latest_versions, keys, columns, **retroactive_rule) }}
),

{{ name }}_changes as (
    select
        as_known.application_id,
        {%- for column in columns %}
        cast(as_known.{{ column }} is distinct from retroactive.{{ column }} as integer) +
        {%- endfor %} 0 as values_changed
    from {{ name }}_as_known as as_known
    inner join {{ name }}_retroactive as retroactive
        on
            as_known.application_id = retroactive.application_id
            and as_known.loan_id = retroactive.loan_id
),

{% endfor -%}
knowledge_effects as (
    {%- for name, source in sources.items() %}
    select
        '{{ name }}' as source,
        '{{ source.group }}' as feature_group,
        '{{ source_meta(name, 'corrections') }}' as corrections_rule,
        {{ name }}_arrivals.corrections,
        {{ name }}_arrivals.late_rows,
        changes.applications_changed,
        changes.values_changed
    from {{ name }}_arrivals
    cross join (
        select
            count(distinct case when values_changed > 0 then application_id end)
                as applications_changed,
            cast(coalesce(sum(values_changed), 0) as bigint) as values_changed
        from {{ name }}_changes
    ) as changes
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select * from knowledge_effects
order by source
