{#-
    Why: reasons are what the report, the ledger and whoever mends the data count by; a fate with a
    reason that nobody documented is a row lost in silence. The reasons of a fate are data: var
    reasons in dbt_project.yml.
-#}
{% test fates_are_explained(model, fates_without_reason=[]) %}
with explained as (
    select
        kind as fate,
        reason
    from {{ ref('reasons') }}
)

select distinct
    model.fate,
    model.reason,
    model.fate || ' for ' || coalesce(model.reason, 'no reason')
    || ': add it to var reasons in dbt_project.yml' as message
from {{ model }} as model
left join explained on model.fate = explained.fate and model.reason = explained.reason
where
    explained.fate is null
    and not (model.reason is null and model.fate in ('{{ fates_without_reason | join("', '") }}'))
{% endtest %}
