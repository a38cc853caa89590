{#-
    The labels of the default definition, each with the split that its loan is in. A loan whose label
    was not known by the first day of the test split is in none of the others: in the embargo.
-#}
{% macro default_labels() -%}
    select
        *,
        case
            when application_date >= cast('{{ var('test_from') }}' as date) then 'test'
            when {{ label_known_on('label_date') }} > cast('{{ var('test_from') }}' as date) then 'embargo'
            when application_date >= cast('{{ var('validation_from') }}' as date) then 'validation'
            else 'train'
        end as split
    from {{ ref('label_store') }}
    where label_definition = '{{ var('default_label') }}'
{%- endmacro %}

{#- Whether a month of application is one that others are compared with: it lies before validation. -#}
{% macro is_reference_month(month) -%}
    {{ month }} < cast('{{ var('validation_from') }}' as date)
{%- endmacro %}
