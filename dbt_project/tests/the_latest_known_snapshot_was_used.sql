-- Why: an old snapshot where a newer one was known is no leak, so nothing else notices it, but it
-- is the wrong value. What should have been used, found the slow way: the greatest date of all
-- rows of the customer that were known by the application, for every source and its own rule.
{{ config(group='gold') }}
{%- set groups = {
    'attributes': (ref('attributes_features'), ref('customer_attributes'), 'features_attributes', 'true'),
    'financials': (ref('financials_features'), ref('customer_financials'), 'features_financials', 'true'),
    'clickstream': (ref('clickstream_features'), ref('clickstream'), 'feature_clickstream', 'true'),
    'loan_history': (
        ref('loan_history_features'), ref('loan_repayments'), 'lms_loan_daily',
        'candidates.loan_start_date < applications.application_date'
    ),
} %}

{%- for group, (features, candidates, source, condition) in groups.items() %}
{%- set rule = source_rule(source) %}
{%- set age = days_between('candidates.snapshot_date', 'applications.application_date') %}
select
    '{{ group }}' as feature_group,
    applications.loan_id,
    any_value(features.{{ group }}_snapshot_date) as used_snapshot_date,
    max(candidates.snapshot_date) as latest_known_snapshot_date
from {{ ref('loan_applications') }} as applications
inner join {{ features }} as features on applications.loan_id = features.loan_id
left join {{ candidates }} as candidates
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
