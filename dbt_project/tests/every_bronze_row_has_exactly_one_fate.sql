-- Why: counts can agree while one row is used twice and another is lost. Row by row: each row of
-- bronze is either used by its silver table or set aside, never both, never neither, and silver
-- holds no row that bronze does not.
{%- set silver_tables = {
    'features_attributes': ref('customer_attributes'),
    'features_financials': ref('customer_financials'),
    'feature_clickstream': ref('clickstream'),
    'lms_loan_daily': ref('loan_repayments'),
} %}

{%- for name, table in silver_tables.items() %}
select
    '{{ name }}' as source,
    load_id,
    row_number,
    rows_landed,
    fates
from (
    select
        load_id,
        row_number,
        sum(landed) as rows_landed,
        sum(fate) as fates
    from (
        select _load_id as load_id, _row_number as row_number, 1 as landed, 0 as fate
        from {{ source('bronze', name) }}
        union all
        select load_id, row_number, 0 as landed, 1 as fate
        from {{ table }}
        union all
        select load_id, row_number, 0 as landed, 1 as fate
        from {{ ref('set_aside_rows') }}
        where source = '{{ name }}'
    )
    group by load_id, row_number
)
where not (rows_landed = 1 and fates = 1)
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
