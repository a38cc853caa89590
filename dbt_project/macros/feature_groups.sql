{#-
    The provenance of a feature group, from its as-of join: which snapshot was used, how old it was
    at the application, and why there is none. The reason looks only at what was known by the
    application: no_customer (the application names none), no_date (a caller's own row without
    one), expired (the latest row is older than the maximum age), not_yet_known (a row is there,
    but not yet available or not yet loaded), quarantined (the only rows are in quarantine),
    no_history_yet.

    joined: the CTE with the joined rows; reasons: the CTE made by missing_rows.
-#}
{% macro provenance(group, joined='joined', reasons='missing') -%}
    {{ joined }}.snapshot_date as {{ group }}_snapshot_date,
    {{ days_between(joined ~ '.snapshot_date', joined ~ '.application_date') }} as {{ group }}_age_days,
    case
        when {{ joined }}.snapshot_date is not null then null
        when {{ joined }}.customer_id is null then 'no_customer'
        when {{ joined }}.application_date is null then 'no_date'
        else coalesce({{ reasons }}.reason, 'no_history_yet')
    end as {{ group }}_null_reason
{%- endmacro %}

{#-
    Why a source gives a customer nothing by a date although rows of it are there: one row per
    customer and date of the spine, reason null where there is no such row.
-#}
{% macro missing_rows(spine, source, name) -%}
    {%- set rule = source_rule(name) -%}
    select
        customer_id,
        application_date,
        case min(precedence) when 1 then 'expired' when 2 then 'not_yet_known' when 3 then 'quarantined' end
            as reason
    from (
        {%- if rule.max_age_days is not none and execute %}
        select customer_id, application_date, 1 as precedence
        from ({{ known_rows(spine, source, ['customer_id'], [], boundary=rule.boundary, delay_days=rule.delay_days) }})
        union all
        {%- endif %}
        {%- if rule.delay_days %}
        select customer_id, application_date, 2 as precedence
        from ({{ known_rows(spine, source, ['customer_id'], [], boundary=rule.boundary) }})
        union all
        {%- endif %}
        select
            customer_id,
            application_date,
            case fate when 'outside_scope' then 2 else 3 end as precedence
        from (
            {{ known_rows(
                spine,
                "(select * from " ~ ref('set_aside_rows') ~ " where source = '" ~ name
                ~ "' and (fate = 'quarantined' or reason = 'loaded_after_known_at'))",
                ['customer_id'], ['fate'], boundary=rule.boundary
            ) }}
        )
    )
    group by customer_id, application_date
{%- endmacro %}
