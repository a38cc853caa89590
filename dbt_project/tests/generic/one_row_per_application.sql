{#-
    Why: a feature join that loses or repeats an application changes the training data without any
    error. Compared as multisets, keys and dates included, so that a lost row and a repeated one
    do not cancel.
-#}
{% test one_row_per_application(model) %}
{%- set spine = 'loan_id, customer_id, application_date' -%}
select 'lost' as problem, * from (
    select {{ spine }} from {{ ref('loan_applications') }}
    except all
    select {{ spine }} from {{ model }}
)
union all
select 'added' as problem, * from (
    select {{ spine }} from {{ model }}
    except all
    select {{ spine }} from {{ ref('loan_applications') }}
)
{% endtest %}
