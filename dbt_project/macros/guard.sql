{#-
    Before any command of a terminal: is there a datamart, and is it about to be changed?

    `dbt run` and `dbt build` replace tables of the published datamart in place. That is said in a
    file beside them, so that the next `python main.py` does not take them for its own; and --empty,
    which would replace them by empty tables, is refused.
-#}
{% macro guard_published_datamart() -%}
    {%- if execute -%}
        {%- set root = adapter.external_root() -%}
        {%- if not adapter.get_relation(database=target.database, schema='bronze', identifier='loads') -%}
            {{ exceptions.raise_compiler_error(
                'no datamart in ' ~ root ~ ': run `python main.py` (or `make run`) once first'
            ) }}
        {%- endif -%}
        {%- if flags.WHICH in ('run', 'build') and not env_var('WAREHOUSE_BUILD_DIR', '') -%}
            {%- if flags.EMPTY -%}
                {{ exceptions.raise_compiler_error(
                    '--empty would replace the published tables of ' ~ root ~ ' by empty ones'
                ) }}
            {%- endif -%}
            copy (select 'dbt {{ flags.WHICH }}' as command, now() as started_at)
            to '{{ root | replace("'", "''") }}/touched_by_dbt.json'
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
