{#- Means of a few numbers as a careless reader takes them, underscores cut off, and cleaned. -#}
{%- set pairs = {
    'amount_invested_monthly': 'Amount_invested_monthly',
    'annual_income': 'Annual_Income',
    'interest_rate': 'Interest_Rate',
    'num_bank_accounts': 'Num_Bank_Accounts',
    'num_of_loan': 'Num_of_Loan',
} -%}
with financials as (
    select
        silver.*,
        {%- for column, raw in pairs.items() %}
        try_cast(trim(bronze."{{ raw }}", '_') as double) as raw_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('customer_financials') }} as silver
    inner join {{ source('bronze', 'features_financials') }} as bronze
        on
            silver.load_id = bronze._load_id
            and silver.source_file = bronze._source_file
            and silver.row_number = bronze._row_number
),

cleaning_effects as (
    {%- for column in pairs %}
    select
        '{{ column }}' as cleaned_column,
        avg(raw_{{ column }}) as raw_mean,
        avg(cast({{ column }} as double)) as clean_mean
    from financials
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from cleaning_effects
order by cleaned_column
