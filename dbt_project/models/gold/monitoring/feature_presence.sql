{%- set groups = feature_groups() | list -%}
with feature_store as (
    select
        *,
        cast(date_trunc('month', application_date) as date) as application_month
    from {{ ref('feature_store') }}
),

reasons as (
    {%- for group in groups %}
    select
        '{{ group }}' as feature_group,
        application_month,
        coalesce({{ group }}_null_reason, 'present') as presence,
        count(*) as loans
    from feature_store
    group by application_month, {{ group }}_null_reason
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

months as (
    select
        feature_group,
        application_month,
        sum(loans) as loans_of_month,
        coalesce(sum(loans) filter (where presence = 'present'), 0) / sum(loans) as present_share
    from reasons
    group by feature_group, application_month
),

-- a group that most loans never have, such as the history of a first loan, has no usual share
usual as (
    select
        feature_group,
        median(present_share) as usual_share
    from months
    group by feature_group
),

feature_presence as (
    select
        reasons.feature_group,
        reasons.application_month,
        reasons.presence,
        reasons.loans,
        months.present_share,
        usual.usual_share >= 0.5
        and months.present_share < {{ var('gap_share') }} * usual.usual_share as is_gap
    from reasons
    inner join months
        on
            reasons.feature_group = months.feature_group
            and reasons.application_month = months.application_month
    inner join usual on reasons.feature_group = usual.feature_group
)

select * from feature_presence
order by feature_group, application_month, presence
