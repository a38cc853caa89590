-- Why: name and SSN stop at bronze. No table of silver or gold has a column that is named like a
-- personal column of the sources (is_ssn_valid apart), and no text in them looks like an SSN. A
-- model that is missing from the list below is reported, too.
{{ config(group='gold') }}
{%- set tables = [
    ref('watermarks'), ref('set_aside_rows'), ref('quarantine'), ref('customer_attributes'),
    ref('customer_financials'), ref('clickstream'), ref('loan_repayments'),
    ref('loan_applications'), ref('attributes_features'), ref('financials_features'),
    ref('clickstream_features'), ref('loan_history_features'), ref('feature_store'),
    ref('label_definitions'), ref('label_maturity'), ref('label_store'), ref('training_set'),
    ref('row_ledger'), ref('feature_deciles'), ref('feature_bins'), ref('feature_drift'),
    ref('feature_aucs'),
    ref('feature_catalog'), ref('application_features'), ref('reasons'),
    ref('split_summary'), ref('boundary_sensitivity'), ref('ledger_summary'), ref('ledger_balance'),
    ref('quarantine_summary'), ref('cleaning_summary'), ref('cleaning_effects'), ref('label_rates'),
    ref('label_maturity_by_month'), ref('label_summary'), ref('vintage_curves'),
    ref('overdue_by_month_on_book'), ref('feature_presence'), ref('group_summary'),
    ref('drift_summary'), ref('example_loan'), ref('key_figures'),
] %}
{%- set allowed = ['customer_attributes.is_ssn_valid'] %}
{%- set findings = [] %}
{%- if execute %}
    {%- set personal = [] %}
    {%- for node in graph.sources.values() %}
        {%- for column in node.columns.values() if column.config.get('meta', {}).get('personal') %}
            {%- do personal.append(column.name | lower) %}
        {%- endfor %}
    {%- endfor %}
    {%- set named_like_it = '(^|_)(' ~ personal | unique | join('|') ~ ')(_|$)' %}
    {%- set looks = {} %}
    {%- for table, column, is_text in texts_and_columns_named(tables, named_like_it) %}
        {%- if modules.re.search(named_like_it, column | lower) and table.identifier ~ '.' ~ column not in allowed %}
            {%- do findings.append(
                "select '" ~ table.identifier ~ "' as table_name, 'column " ~ column ~ "' as finding"
            ) %}
        {%- endif %}
        {%- if is_text %}
            {#- the dashes first: they are found sooner than a pattern, and in next to no text #}
            {%- set text = 'cast(' ~ adapter.quote(column) ~ ' as string)' %}
            {%- do looks.setdefault(table, []).append(
                "(" ~ text ~ " like '%-%-%' and " ~ matches(text, '[0-9]{3}-[0-9]{2}-[0-9]{4}') ~ ")"
            ) %}
        {%- endif %}
    {%- endfor %}
    {%- for table, conditions in looks.items() %}
        {%- do findings.append(
            "select distinct '" ~ table.identifier ~ "' as table_name, 'a value like an SSN' as finding from "
            ~ table ~ " where " ~ conditions | join(' or ')
        ) %}
    {%- endfor %}
    {%- set listed = tables | map(attribute='identifier') | list %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name not in listed %}
        {%- do findings.append("select '" ~ node.name ~ "' as table_name, 'not looked through' as finding") %}
    {%- endfor %}
{%- endif %}
{{ findings | join('\nunion all\n') if findings else 'select 1 where false' }}
