"""Finds the source rows that a loan's features could have used, and those that they used."""

from datetime import date
from typing import Any

from duckdb import DuckDBPyConnection

from warehouse.base.catalog import quoted_name
from warehouse.base.rows import rows_of
from warehouse.contracts.contract import SourceContract

Row = dict[str, Any]


def versions_of_customer(
    con: DuckDBPyConnection, source: SourceContract, customer_id: str, day: date
) -> list[Row]:
    """Return all versions of a customer's rows, judged as of a day, the latest dates first.

    verdict is empty where the application knew the version, else why it did not count. A version
    replaced for all time (`corrections: retroactive`) was known to nobody.
    """
    silver = source.silver_relation
    names = {name for name, *_ in con.execute(f"describe {silver}").fetchall()}
    entity = source.key[0].lower()
    actions = "cleaning_actions" if "cleaning_actions" in names else "[]"
    inclusive = source.boundary == "inclusive"
    by, after = ("<=", ">") if inclusive else ("<", ">=")
    is_old = (
        f"snapshot_date + {source.max_age_days} < $day"
        if source.max_age_days is not None
        else "false"
    )
    return rows_of(
        con,
        f"""
        select
            {quoted_name(entity) if entity in names else "customer_id"} as entity,
            snapshot_date, known_from, known_until, arrival,
            load_id, source_file, row_number, {actions} as cleaning_actions,
            case
                when snapshot_date > $day then 'dated later'
                when not snapshot_date {by} $day then 'dated on the day, which does not count'
                when known_until <= known_from then 'replaced for all time by a correction'
                when not known_from {by} $day and arrival = 'on_time' then 'not available yet'
                when not known_from {by} $day then 'came too late'
                when not coalesce(known_until {after} $day, true) then 'replaced before'
                when {is_old} then 'older than {source.max_age_days} days'
                else ''
            end as verdict
        from {silver}
        where customer_id = $customer_id
        order by snapshot_date desc, entity, load_id desc
        """,
        {"customer_id": customer_id, "day": day},
    )


def quarantined_rows(con: DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Return a customer's rows in quarantine: source, reason, dates, provenance."""
    return rows_of(
        con,
        "select source, reason, snapshot_date, known_from, source_file, row_number, load_id"
        " from silver.quarantine where customer_id = ? order by all",
        [customer_id],
    )


def raw_row(con: DuckDBPyConnection, source: SourceContract, version: Row) -> Row:
    """Return the row of the file that a version was read from, without its personal columns."""
    row = _row(con, source.relation, "_", version)
    return {name: value for name, value in row.items() if name not in source.personal_columns}


def silver_row(con: DuckDBPyConnection, source: SourceContract, version: Row) -> Row:
    """Return the row of silver that a version is."""
    return _row(con, source.silver_relation, "", version)


def _row(con: DuckDBPyConnection, relation: str, prefix: str, version: Row) -> Row:
    names = ("load_id", "source_file", "row_number")
    (row,) = rows_of(
        con,
        f"from {relation} where {' and '.join(f'{prefix}{name} = ?' for name in names)}",
        [version[name] for name in names],
    )
    return row
