{#-
    Why: reasons are what the report, the ledger and whoever mends the data count by; a fate with a
    reason that nobody documented is a row lost in silence. The reasons of a fate are data: var
    reasons in dbt_project.yml.
-#}
{% test fates_are_explained(model, fates_without_reason=[]) %}
with fates as (
    select distinct
        fate,
        reason
    from {{ model }}
),

checked as (
    select
        *,
        case fate
            {%- for fate, meanings in var('reasons').items() %}
            when '{{ fate }}' then reason in ('{{ meanings | join("', '") }}')
            {%- endfor %}
        end as has_known_reason,
        reason is null and fate in ('{{ fates_without_reason | join("', '") }}') as needs_no_reason
    from fates
)

select
    *,
    fate || ' for ' || coalesce(reason, 'no reason') || ': add it to var reasons' as message
from checked
where not (coalesce(has_known_reason, false) or needs_no_reason)
{% endtest %}
