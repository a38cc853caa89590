{#-
    chance_of_outside: when nothing is wrong, each month is outside its 95 % interval with
    probability 0.05, so the number of such months is binomial.
-#}
with maturity as (
    select * from {{ ref('label_maturity') }}
),

definitions as (
    select * from {{ ref('label_definitions') }}
),

rates as (
    select * from {{ ref('label_rates') }}
),

default_labels as (
    select loan_id, label from maturity
    where label_definition = '{{ var('default_label') }}'
),

loans as (
    select
        maturity.label_definition,
        count(*) as loans,
        count(maturity.label) as labelled,
        cast(coalesce(sum(maturity.label), 0) as bigint) as defaults,
        sum(maturity.label) / nullif(count(maturity.label), 0) as default_rate,
        count(*) filter (where maturity.label <> default_labels.label) as judged_otherwise,
        count(*) filter (where maturity.is_marginal) as marginal_labels,
        count(*) filter (where maturity.maturity = 'stopped_past_due') as stopped_past_due
    from maturity
    left join default_labels on maturity.loan_id = default_labels.loan_id
    group by maturity.label_definition
),

months as (
    select
        label_definition,
        count(*) as months,
        count(*) filter (where is_outside) as months_outside
    from rates
    where labelled > 0
    group by label_definition
),

chances as (
    select
        label_definition,
        sum(
            exp(lgamma(months + 1) - lgamma(outside + 1) - lgamma(months - outside + 1))
            * pow(0.05, outside) * pow(0.95, months - outside)
        ) as chance_of_outside
    from (
        select *, unnest(range(months_outside, months + 1)) as outside from months
    )
    group by label_definition
),

label_summary as (
    select
        definitions.*,
        definitions.label_definition = '{{ var('default_label') }}' as is_default,
        loans.loans,
        loans.labelled,
        loans.defaults,
        loans.default_rate,
        loans.judged_otherwise,
        loans.marginal_labels,
        loans.stopped_past_due,
        coalesce(months.months, 0) as months,
        coalesce(months.months_outside, 0) as months_outside,
        chances.chance_of_outside,
        coalesce(chances.chance_of_outside < {{ var('unusual_chance') }}, false) as is_unusual
    from definitions
    inner join loans on definitions.label_definition = loans.label_definition
    left join months on definitions.label_definition = months.label_definition
    left join chances on definitions.label_definition = chances.label_definition
)

select * from label_summary
order by label_definition
