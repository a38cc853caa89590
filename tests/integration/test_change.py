"""A changed input row changes what it should and nothing else."""

import shutil
from datetime import date

import duckdb
import pytest

from tests.support.tiny import land
from warehouse.base.catalog import attach

# A reading of the middle of 2023 that several windows of its customer's first loan hold.
CHANGED_MONTH = date(2023, 6, 1)


@pytest.fixture(scope="module")
def changed(tiny, tiny_data, tiny_queries, tmp_path_factory):
    """Connections to the tiny set's gold before and after fe_1 of one row grew by 60, and whose."""
    before, after = duckdb.connect(), duckdb.connect()
    attach(before, tiny / "current")
    customer = before.execute(
        """
        select min(customer_id)
        from gold.feature_store
        where clickstream_null_reason is null and application_date between $1 and '2023-11-01'
            and clickstream_snapshot_date = application_date
            and customer_id in (select customer_id from silver.clickstream where snapshot_date = $1)
        """,
        [CHANGED_MONTH],
    ).fetchone()[0]
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(tiny_data, folder / "data")
    path = folder / "data" / "feature_clickstream.csv"
    lines = path.read_text().splitlines()
    (number,) = (n for n, line in enumerate(lines) if line.endswith(f",{customer},{CHANGED_MONTH}"))
    first, rest = lines[number].split(",", 1)
    lines[number] = f"{int(first) + 60},{rest}"
    path.write_text("\n".join(lines) + "\n")
    land(folder / "data", folder / "run")
    attach(after, folder / "run")
    for model in tiny_queries.models:
        if (tiny / "current" / model.schema / f"{model.name}.parquet").exists():
            after.execute(f"create table {model.relation} as {model.sql}")
    yield before, after, customer
    before.close()
    after.close()


def test_one_reading_moves_its_windows_of_its_customer_and_nothing_else(changed):
    before, after, customer = changed
    query = "from gold.feature_store order by loan_id"
    rows, new_rows = (con.execute(query).fetchall() for con in (before, after))
    columns = [row[0] for row in before.execute("describe gold.feature_store").fetchall()]
    moved = {
        (dict(zip(columns, row, strict=True))["customer_id"], column)
        for row, new_row in zip(rows, new_rows, strict=True)
        for column, was, now in zip(columns, row, new_row, strict=True)
        if was != now
    }
    assert {owner for owner, _ in moved} == {customer}
    assert all(column.startswith("fe_1_") or column == "fe_1" for _, column in moved)
    assert not any("_count_" in column for _, column in moved)


def test_the_sum_over_all_history_moves_by_what_was_added(changed):
    before, after, customer = changed
    query = (
        "select loan_id, fe_1_sum_all, application_date >= $2 as is_later from gold.feature_store"
        " where customer_id = $1 order by loan_id"
    )
    old, new = (con.execute(query, [customer, CHANGED_MONTH]).fetchall() for con in (before, after))
    assert [(loan, value + 60 if later else value, later) for loan, value, later in old] == new


def test_labels_do_not_move(changed):
    before, after, _ = changed
    query = "from gold.label_store order by label_definition, loan_id"
    assert before.execute(query).fetchall() == after.execute(query).fetchall()
