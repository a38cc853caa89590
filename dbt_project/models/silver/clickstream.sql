{%- set counters = clickstream_counters() -%}

with versions as (
    {{ versions('feature_clickstream') }}
),

cleaned as (
    select
        *,
        {%- for counter in counters %}
        {{ integer_value(counter) }} as {{ counter }}_cleaned{{ ',' if not loop.last }}
        {%- endfor %}
    from versions
),

clickstream as (
    select
        entity_id as customer_id,
        event_date as snapshot_date,
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
            when
                {%- for counter in counters %}
                {{ counter }}_cleaned is not null{{ ' and' if not loop.last }}
                {%- endfor %}
                then {{ dbt.array_construct([], dbt.type_string()) }}
            else {{ list_of_actions(actions) }}
        end as cleaning_actions,
        {{ version_columns() }}
    from cleaned
)

select * from clickstream
order by customer_id, snapshot_date, load_id
