{%- set groups = feature_groups() -%}

with training_set as (
    select * from {{ ref('training_set') }}
),

by_month as (
    select
        split,
        cast(date_trunc('month', application_date) as date) as application_month,
        count(*) as loans,
        cast(sum(label) as bigint) as defaults,
        max(label_date) as last_label_date,
        max(label_known_on) as last_label_known_on
        {%- for group in groups %},
        count({{ group }}_snapshot_date) as {{ group }}_loans
        {%- endfor %}
    from training_set
    group by split, date_trunc('month', application_date)
),

-- what the training side has, and when the test side begins
sides as (
    select
        (select min(application_date) from training_set where split = 'test') as test_begins_on
        {%- for group in groups %},
        coalesce(sum({{ group }}_loans) filter (where split = 'train'), 0) > 0 as has_{{ group }}
        {%- endfor %}
    from by_month
),

split_summary as (
    select
        by_month.split,
        by_month.application_month,
        by_month.loans,
        by_month.defaults,
        {{ ratio('by_month.defaults', 'by_month.loans') }} as default_rate,
        by_month.last_label_date,
        by_month.split in ('test', 'embargo')
        or coalesce(by_month.last_label_known_on <= sides.test_begins_on, true) as is_known_before_test
        {%- for group in groups %},
        {{ ratio('by_month.' ~ group ~ '_loans', 'by_month.loans') }} as {{ group }}_share
        {%- endfor %},
        {%- set missing = [] -%}
        {%- for group in groups -%}
            {%- do missing.append(
                'case when sides.has_' ~ group ~ ' and by_month.' ~ group ~ "_loans = 0 then '" ~ group ~ "' end"
            ) -%}
        {%- endfor %}
        {{ without_nulls(dbt.array_construct(missing, dbt.type_string())) }} as missing_sources
    from by_month
    cross join sides
)

select * from split_summary
order by application_month, split
