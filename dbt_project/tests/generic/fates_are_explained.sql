{#-
    Why: reasons are what the report, the ledger and whoever mends the data count by; a fate with a
    reason that nobody documented is a row lost in silence.
-#}
{% test fates_are_explained(model) %}
{%- set reasons = {
    'outside_scope': ['dated_after_as_of', 'loaded_after_known_at'],
    'quarantined': [
        'malformed_row', 'missing_key', 'invalid_snapshot_date', 'implausible_date',
        'invalid_loan_start_date', 'invalid_installment_num', 'snapshot_before_loan_start',
    ],
    'duplicate': ['same_content'],
    'superseded': ['restated'],
} -%}
with checked as (
    select
        *,
        coalesce(
            {%- for fate, known in reasons.items() %}
            (fate = '{{ fate }}' and reason in ('{{ known | join("', '") }}'))
            {{- ' or' if not loop.last }}
            {%- endfor %},
            false
        ) as is_explained
    from {{ model }}
)

select * from checked
where not is_explained
{% endtest %}
