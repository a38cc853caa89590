-- Why: the catalogue is how a feature is found and understood, and its statistics treat a text and a
-- number each in its own way. Every feature has a description and a group, and data_type: varchar in
-- the yml where it is a text, and only there.
{%- set texts = catalogued_features() | selectattr('data_type', 'equalto', 'varchar') | map(attribute='name') | list %}
with checked as (
    select
        feature,
        data_type,
        description is not null and description <> '' as is_described,
        feature_group is not null as is_in_a_group,
        (data_type = 'varchar') = (feature in ('{{ texts | join("', '") }}')) as is_declared_as_it_is
    from {{ ref('feature_catalog') }}
)

select
    *,
    feature || ' is ' || data_type || ': describe it so in the yml of its group' as message
from checked
where not (is_described and is_in_a_group and is_declared_as_it_is)
