{#-
    The labels of the default definition, each with the split that its loan is in. A loan is in the
    embargo, and so in no other split, where its label was not known by the first day of the test
    split, or where its window had not ended: labels that are certain early (repaid, or ever in
    default) would otherwise be overrepresented among the latest loans.
-#}
{% macro default_labels() -%}
    select
        *,
        case
            when application_date >= cast('{{ var('test_from') }}' as date) then 'test'
            when greatest(known_on, window_ends_on) > cast('{{ var('test_from') }}' as date) then 'embargo'
            when application_date >= cast('{{ var('validation_from') }}' as date) then 'validation'
            else 'train'
        end as split
    from {{ ref('label_store') }}
    where label_definition = '{{ var('default_label') }}'
{%- endmacro %}

{#- Whether a month of application is one that others are compared with: those before validation. -#}
{% macro is_reference_month(month) -%}
    {{ month }} < cast('{{ var('validation_from') }}' as date)
{%- endmacro %}
