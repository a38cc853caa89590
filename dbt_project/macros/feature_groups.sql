{#-
    The provenance of a feature group, from its as-of join: which snapshot was used, how old it was
    at the application, and why there is none. The reason looks only at what was known by the
    application, so that no later load changes it: no_customer (the application names none),
    no_date (a caller's own row without one), expired (the latest row is older than the maximum
    age), quarantined (the only rows are in quarantine), no_history_yet.

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
    Why a source gives a customer nothing by a date although rows of it were known: one row per
    customer and date of the spine, reason null where there is no such row.

    condition: which rows of the source are meant, over columns, which are in set_aside_rows too.
-#}
{% macro missing_rows(spine, source, name, columns=[], condition='true') -%}
    {%- set rule = dict(source_rule(name), max_age_days=none) -%}
    {%- set quarantined_rule = dict(rule, known_until=none) -%}
    {%- set quarantined -%}
        (select * from {{ ref('set_aside_rows') }} where source = '{{ name }}' and fate = 'quarantined')
    {%- endset -%}
    select
        customer_id,
        application_date,
        case when bool_or(is_expired) then 'expired' else 'quarantined' end as reason
    from (
        {%- if source_meta(name, 'max_age_days') is not none %}
        select *, true as is_expired
        from ({{ known_rows(spine, source, ['customer_id'], columns, **rule) }}) as known
        union all
        {%- endif %}
        select *, false as is_expired
        from ({{ known_rows(spine, quarantined, ['customer_id'], columns, **quarantined_rule) }}) as known
    ) as rows_there
    where {{ condition }}
    group by customer_id, application_date
{%- endmacro %}
