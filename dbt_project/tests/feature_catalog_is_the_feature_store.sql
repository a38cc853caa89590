-- Why: the catalogue is how a feature is found and understood, and its statistics treat a text and a
-- number each in its own way. Every column of the feature store is a column of the spine, provenance
-- of a group or a described row of the catalogue, and every row of the catalogue is a column.
{%- set others = spine_columns() %}
{%- for group in feature_groups() %}{% do others.extend(provenance_columns(group)) %}{% endfor %}
{%- set texts = catalogued_features() | selectattr('data_type', 'equalto', 'varchar') | map(attribute='name') | list %}
with columns as (
    select * from ({{ column_types(ref('feature_store')) }})
    where column_name not in ('{{ others | join("', '") }}')
),

compared as (
    select
        coalesce(columns.column_name, catalog.feature) as feature,
        case
            when catalog.feature is null
                then 'is in gold.feature_store and not described in the yml of its group'
            when columns.column_name is null
                then 'is described and no column of gold.feature_store'
            when catalog.description is null then 'has no description in the yml of its group'
            when (columns.data_type = 'varchar') <> (catalog.feature in ('{{ texts | join("', '") }}'))
                then 'needs data_type: varchar in the yml of its group if it is a text, and only then'
        end as problem
    from columns
    full outer join {{ ref('feature_catalog') }} as catalog on columns.column_name = catalog.feature
)

select
    *,
    feature || ' ' || problem as message
from compared
where problem is not null
