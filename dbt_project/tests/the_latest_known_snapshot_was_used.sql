-- Why: an old snapshot where a newer one was known is no leak, so nothing else notices it, but it
-- is the wrong value. What should have been used, found the slow way: the greatest date of all
-- rows of the customer that were known by the application, for every source and its own rule.
{{ config(group='gold') }}
{%- for group, source in feature_groups().items() %}
{%- set age = days_between('candidates.snapshot_date', 'applications.application_date') %}
{%- set is_strict, max_age_days = source_meta(source, 'boundary') == 'strict', source_meta(source, 'max_age_days') %}
select
    '{{ group }}' as feature_group,
    applications.loan_id,
    any_value(features.{{ group }}_snapshot_date) as used_snapshot_date,
    max(candidates.snapshot_date) as latest_known_snapshot_date
from {{ ref('loan_applications') }} as applications
inner join {{ ref(group ~ '_features') }} as features on applications.loan_id = features.loan_id
left join {{ ref(var('sources')[source].silver) }} as candidates
    on
        applications.customer_id = candidates.customer_id
        and candidates.known_from {{ '<' if is_strict else '<=' }} applications.application_date
        and {{ age }} {{ '>' if is_strict else '>=' }} {{ source_meta(source, 'delay_days') }}
        {%- if max_age_days is not none %}
        and {{ age }} <= {{ max_age_days }}
        {%- endif %}
        {%- if 'loan_start_date' in raw_columns(source) %}
        and candidates.loan_start_date < applications.application_date
        {%- endif %}
group by applications.loan_id
having any_value(features.{{ group }}_snapshot_date) is distinct from max(candidates.snapshot_date)
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
