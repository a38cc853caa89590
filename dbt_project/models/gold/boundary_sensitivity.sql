{#-
    What of the feature store hangs on the day itself: the rows that would take another snapshot,
    and the values that would be others, if a row dated on the day of the application did not count
    (strict), or if each source were available one day later. Dates are whole days, so that a strict
    boundary is an inclusive one a day later.
-#}
{%- set groups = var('feature_groups') -%}
with loans as (
    select * from {{ ref('boundary_changes') }}
),

tried as (
    {%- for group, source_name in groups.items() %}
    select
        '{{ group }}' as feature_group,
        'available_one_day_later' as change,
        true as is_another_rule
    union all
    select
        '{{ group }}' as feature_group,
        'strict' as change,
        {{ source_rule(source_name).boundary != 'strict' }} as is_another_rule
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

sensitivity as (
    select
        tried.feature_group,
        tried.change,
        count(loans.loan_id) as loans,
        count(*) filter (where loans.has_snapshot) as loans_with_values,
        count(*) filter (where loans.is_changed and tried.is_another_rule) as rows_changed,
        count(*) filter (where loans.is_emptied and tried.is_another_rule) as rows_emptied,
        cast(coalesce(sum(loans.values_changed) filter (where tried.is_another_rule), 0) as bigint)
            as values_changed
    from tried
    left join loans on tried.feature_group = loans.feature_group
    group by tried.feature_group, tried.change
)

select * from sensitivity
order by feature_group, change
