{#-
    What a feature is stands in the yml of feature_store and comes from dbt's graph; how it behaves
    is counted. A new column of feature_store is in the catalogue with the next build.
-#}
{%- set sources = {
    'attributes': 'features_attributes',
    'financials': 'features_financials',
    'clickstream': 'feature_clickstream',
    'loan_history': 'lms_loan_daily',
} -%}
{%- set rules = {} -%}
{%- for group, source in sources.items() if execute -%}
    {%- set rule = source_rule(source) -%}
    {%- do rules.update({group:
        'snapshots dated ' ~ ('on or before' if rule.boundary == 'inclusive' else 'before')
        ~ ' the application date'
        ~ ((', available ' ~ rule.delay_days ~ ' days after their date') if rule.delay_days else '')
        ~ ((', at most ' ~ rule.max_age_days ~ ' days old') if rule.max_age_days is not none else '')
    }) -%}
{%- endfor -%}

with statistics as (
    select * from {{ ref('feature_statistics') }}
),

drift as (
    select * from {{ ref('feature_drift') }}
),

definitions as (
    select * from (values
        {%- for column in catalogued_features() %}
        {%- set group = column.config.meta.feature_group %}
        {%- set uses = [] -%}
        {%- for use in (sensitive_uses(column.name) if column.config.meta.sensitive else []) -%}
            {%- do uses.append("'" ~ use | replace("'", "''") ~ "'") -%}
        {%- endfor %}
        (
            '{{ column.name }}', '{{ group }}', '{{ sources[group] }}',
            '{{ column.config.meta.source_column }}',
            '{{ column.description | trim | replace("\n", " ") | replace("'", "''") }}',
            '{{ rules[group] }}',
            {{ list_of(uses) }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as described (
        feature, feature_group, source, source_column, description, point_in_time_rule,
        sensitive_uses
    )
),

movements as (
    select
        feature,
        max(psi) as worst_psi,
        max_by(application_month, (psi, application_month)) as worst_psi_month,
        max_by(psi, application_month) as latest_psi,
        cast(count(*) filter (where is_drifted) as integer) as months_drifted
    from drift
    group by feature
),

feature_catalog as (
    select
        statistics.feature,
        definitions.feature_group,
        definitions.source,
        definitions.source_column,
        definitions.description,
        definitions.point_in_time_rule,
        definitions.sensitive_uses,
        {{ all_but('statistics', ['feature']) }},
        {{ all_but('movements', ['feature']) }}
    from statistics
    left join definitions on statistics.feature = definitions.feature
    left join movements on statistics.feature = movements.feature
)

select * from feature_catalog
order by feature_group, feature
