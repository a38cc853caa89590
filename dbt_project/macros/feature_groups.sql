{#-
    The provenance of a feature group, from its as-of join: which snapshot was used, how old it was
    at the application, and why there is none. The reason looks at what was known by the
    application: no_customer (the application names none), no_date (a caller's own row without
    one), expired (the latest row is older than the maximum age), quarantined (the only rows are in
    quarantine), no_history_yet. One alone tells more, of a row dated by then that came later:
    not_yet_known (not yet available, or not yet loaded).

    Its query calls the joined rows `joined`, and what missing_rows makes `missing`.
-#}
{% macro provenance(group) -%}
    joined.snapshot_date as {{ group }}_snapshot_date,
    {{ days_between('joined.snapshot_date', 'joined.application_date') }} as {{ group }}_age_days,
    case
        when joined.snapshot_date is not null then null
        when joined.customer_id is null then 'no_customer'
        when joined.application_date is null then 'no_date'
        else coalesce(missing.reason, 'no_history_yet')
    end as {{ group }}_null_reason
{%- endmacro %}

{#-
    Why a source gives a customer nothing by a date although rows of it are there: one row per
    customer and date of the spine, reason null where there is no such row.

    condition: which rows of the source are meant, over columns, which are in set_aside_rows too.
-#}
{% macro missing_rows(spine, source, name, columns=[], condition='true') -%}
    {%- set rule = source_rule(name) -%}
    {%- set set_aside = "(select * from " ~ ref('set_aside_rows') ~ " where source = '" ~ name ~ "' and " -%}
    select
        customer_id,
        application_date,
        case min(precedence) when 1 then 'expired' when 2 then 'quarantined' when 3 then 'not_yet_known' end
            as reason
    from (
        {%- if rule.max_age_days is not none and execute %}
        select customer_id, application_date, 1 as precedence
        from ({{ known_rows(spine, source, ['customer_id'], columns, boundary=rule.boundary, delay_days=rule.delay_days) }})
        where {{ condition }}
        union all
        {%- endif %}
        {%- if rule.delay_days %}
        select customer_id, application_date, 3 as precedence
        from ({{ known_rows(spine, source, ['customer_id'], columns, boundary=rule.boundary) }})
        where {{ condition }}
        union all
        {%- endif %}
        select customer_id, application_date, 2 as precedence
        from ({{ known_rows(
            spine, set_aside ~ "fate = 'quarantined')",
            ['customer_id'], columns, boundary=rule.boundary, delay_days=rule.delay_days
        ) }})
        where {{ condition }}
        {%- if var('known_at') %}
        union all
        select customer_id, application_date, 3 as precedence
        from ({{ known_rows(
            spine, set_aside ~ "reason = 'loaded_after_known_at')",
            ['customer_id'], columns, boundary=rule.boundary
        ) }})
        where {{ condition }}
        {%- endif %}
    )
    group by customer_id, application_date
{%- endmacro %}
