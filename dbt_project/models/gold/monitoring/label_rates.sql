{#- The Wilson interval, unlike the normal one, stays between 0 and 1 in a month of few loans. -#}
{%- set z = 1.959964 -%}
with maturity as (
    select
        *,
        cast(date_trunc('month', application_date) as date) as application_month
    from {{ ref('label_maturity') }}
),

months as (
    select
        label_definition,
        application_month,
        count(*) as loans,
        count(label) as labelled,
        cast(coalesce(sum(label), 0) as bigint) as defaults,
        sum(label) / nullif(count(label), 0) as default_rate
    from maturity
    group by label_definition, application_month
),

rates as (
    select
        *,
        sum(defaults) over definition / nullif(sum(labelled) over definition, 0) as overall_rate,
        (default_rate + {{ z * z }} / (2 * labelled)) / (1 + {{ z * z }} / labelled) as centre,
        {{ z }} * sqrt(
            default_rate * (1 - default_rate) / labelled + {{ z * z }} / (4 * labelled * labelled)
        ) / (1 + {{ z * z }} / labelled) as half_width
    from months
    window definition as (partition by label_definition)
),

label_rates as (
    select
        label_definition,
        application_month,
        loans,
        labelled,
        defaults,
        default_rate,
        centre - half_width as rate_low,
        centre + half_width as rate_high,
        overall_rate,
        coalesce(abs(overall_rate - centre) > half_width, false) as is_outside
    from rates
)

select * from label_rates
order by label_definition, application_month
