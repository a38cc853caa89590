{%- set counters = clickstream_counters() -%}

with used as (
    {{ used_rows('feature_clickstream') }}
),

cleaned as (
    select
        *,
        {%- for counter in counters %}
        {{ integer_value(counter) }} as {{ counter }}_cleaned{{ ',' if not loop.last }}
        {%- endfor %}
    from used
),

clickstream as (
    select
        {{ text_value('Customer_ID') }} as customer_id,
        {{ snapshot_date_of('feature_clickstream') }} as snapshot_date,
        {%- for counter in counters %}
        {{ counter }}_cleaned as {{ counter }},
        {%- endfor %}
        {%- set actions = [] -%}
        {%- for counter in counters -%}
            {%- do actions.append(cleaning_action(
                counter, counter, counter ~ '_cleaned', number=number_value(counter)
            )) -%}
        {%- endfor %}
        case
            when {% for counter in counters %}{{ counter }}_cleaned is not null{{ ' and ' if not loop.last }}{% endfor %} then {{ list_of([]) }}
            else {{ list_of_actions(actions) }}
        end as cleaning_actions,
        _load_id as load_id,
        _row_number as row_number
    from cleaned
)

select * from clickstream
order by customer_id, snapshot_date
