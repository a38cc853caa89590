{% macro clickstream_counters() -%}
    {%- set counters = [] -%}
    {%- for i in range(1, var('clickstream_columns') + 1) -%}{%- do counters.append('fe_' ~ i) -%}{%- endfor -%}
    {{ return(counters) }}
{%- endmacro %}

{#-
    The features of the clickstream in their order, for the model and for the catalogue:
    [{name, counter, window, statistic, source_column, description, is_zero_without_history}].
    window is null for the value at the application, counter for the months that have a row.
-#}
{% macro clickstream_statistics() -%}
    {%- set statistics = {
        'count': 'Number of months of {window} in which {counter} is known; 0 where none.',
        'sum': 'Sum of {counter} over {window}. Null where no month is known.',
        'mean': 'Mean of {counter} over {window}. Null where no month is known.',
        'sd': 'Standard deviation (of a sample) of {counter} over {window}. Null below two months.',
        'trend': 'Least-squares slope of {counter} over {window}, change a month. Null below two months.',
        'change':
            '{counter} of the latest known month minus its mean over {window}.'
            ~ ' Null where either is unknown.',
    } -%}
    {%- set features = [] -%}
    {%- for counter in clickstream_counters() -%}
        {%- do features.append({
            'name': counter, 'counter': counter, 'window': none, 'statistic': 'value',
            'source_column': counter, 'description': counter ~ ' of the latest known month.',
        }) -%}
    {%- endfor -%}
    {%- for window, months in var('clickstream_windows').items() -%}
        {%- set span = 'the ' ~ months ~ ' months up to the application' if months else 'all months known' -%}
        {%- do features.append({
            'name': 'clickstream_months_' ~ window, 'counter': none, 'window': window,
            'statistic': 'months', 'source_column': 'snapshot_date', 'is_zero_without_history': true,
            'description': 'Number of months of ' ~ span ~ ' that have a row; 0 where none.',
        }) -%}
        {%- for counter in clickstream_counters() -%}
            {%- for statistic, description in statistics.items() -%}
                {%- do features.append({
                    'name': counter ~ '_' ~ statistic ~ '_' ~ window, 'counter': counter,
                    'window': window, 'statistic': statistic, 'source_column': counter,
                    'is_zero_without_history': statistic == 'count',
                    'description': description.format(counter=counter, window=span),
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(features) }}
{%- endmacro %}
