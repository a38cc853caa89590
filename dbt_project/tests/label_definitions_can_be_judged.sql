-- Why: a misspelt definition, or a default label that is none of them, gives an empty training set
-- and no error.
with definitions as (
    select * from {{ ref('label_definitions') }}
),

checked as (
    select
        label_definition,
        min_days_past_due >= 1 as has_days,
        months_on_book >= 1 as has_window,
        observed in ('at_month', 'ever_within') as has_known_rule
    from definitions
)

select label_definition, 'not to be judged' as problem from checked
where not (has_days and has_window and has_known_rule)
union all
select '{{ var('default_label') }}' as label_definition, 'the default label is not defined' as problem
where '{{ var('default_label') }}' not in (select label_definition from definitions)
