{#-
    Why: a column of which cleaning makes most values null is more likely a changed file or a wrong
    range than dirt. It is for a person to look at, so it warns and stops nothing.
-#}
{% test cleaning_is_the_exception(model, max_share=0.3) %}
{{ config(severity='warn') }}
with actions as (
    select {{ unnested('cleaning_actions') }} as cleaning_action
    from {{ model }}
    where {{ list_count('cleaning_actions') }} > 0
),

shares as (
    select
        cleaning_action,
        count(*) as cleaned_rows,
        count(*) / (select count(*) from {{ model }}) as cleaned_share
    from actions
    group by cleaning_action
)

select
    *,
    printf('%s in %.1f %% of the rows', cleaning_action, 100 * cleaned_share) as message
from shares
where not (cleaned_share <= {{ max_share }})
{% endtest %}
