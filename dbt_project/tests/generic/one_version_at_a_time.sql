{#-
    Why: a join by key and date that asks what was known at a moment expects one row. Of a key and
    snapshot date each version is known until the next one is, and the last one is current. Looks at
    the rows that were restated; that the others are alone the grain of the current rows says.
-#}
{% test one_version_at_a_time(model, key) %}
with versions as (
    select
        {{ key }},
        snapshot_date,
        load_id,
        known_from,
        known_until,
        lead(known_from) over (partition by {{ key }}, snapshot_date order by load_id) as next_known_from,
        lead(load_id) over (partition by {{ key }}, snapshot_date order by load_id) as next_load_id
    from {{ model }}
    where known_until is not null or arrival = 'correction'
),

checked as (
    select
        *,
        known_until is not distinct from next_known_from as is_replaced_by_the_next,
        next_load_id is null or next_load_id > load_id as is_one_a_load,
        known_from >= cast(snapshot_date as timestamp) as is_known_after_its_day
    from versions
)

select * from checked
where not (is_replaced_by_the_next and is_one_a_load and is_known_after_its_day)
{% endtest %}
