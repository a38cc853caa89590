{#-
    Why: a feature join that loses an application or adds one changes the training data without any
    error. Every application is there, as in the spine, and nothing else; that none is
    there twice the table's grain says.
-#}
{% test one_row_per_application(model) %}
select
    case
        when model.loan_id is null then 'lost'
        when applications.loan_id is null then 'added'
        else 'changed'
    end as problem,
    coalesce(applications.loan_id, model.loan_id) as loan_id
from {{ ref('loan_applications') }} as applications
full outer join {{ model }} as model on applications.loan_id = model.loan_id
where
    applications.loan_id is distinct from model.loan_id
    or applications.customer_id is distinct from model.customer_id
    or applications.application_date is distinct from model.application_date
{% endtest %}
