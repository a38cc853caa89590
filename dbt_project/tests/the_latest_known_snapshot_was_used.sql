-- Why: an old snapshot where a newer one was known is no leak, so nothing else notices it, but it
-- is the wrong value. What should have been used, found the slow way: the greatest date of all
-- rows of the customer that were known by the application, for every source and its own rule.
{{ config(group='gold') }}
{%- set candidates = {
    'attributes': (ref('customer_attributes'), 'true'),
    'financials': (ref('customer_financials'), 'true'),
    'clickstream': (ref('clickstream'), 'true'),
    'loan_history': (ref('loan_repayments'), 'candidates.loan_start_date < applications.application_date'),
} %}

{%- for group, source in var('feature_groups').items() %}
{%- set relation, condition = candidates[group] %}
{%- set rule = source_rule(source) %}
{%- set age = days_between('candidates.snapshot_date', 'applications.application_date') %}
select
    '{{ group }}' as feature_group,
    applications.loan_id,
    any_value(features.{{ group }}_snapshot_date) as used_snapshot_date,
    max(candidates.snapshot_date) as latest_known_snapshot_date
from {{ ref('loan_applications') }} as applications
inner join {{ ref(group ~ '_features') }} as features on applications.loan_id = features.loan_id
left join {{ relation }} as candidates
    on
        applications.customer_id = candidates.customer_id
        and {{ age }} {{ '>' if rule.boundary == 'strict' else '>=' }} {{ rule.delay_days }}
        {%- if rule.max_age_days is not none %}
        and {{ age }} <= {{ rule.max_age_days }}
        {%- endif %}
        and {{ condition }}
group by applications.loan_id
having any_value(features.{{ group }}_snapshot_date) is distinct from max(candidates.snapshot_date)
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
