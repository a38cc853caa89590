"""A changed input row changes what it should and nothing else."""

import shutil
from datetime import date

import duckdb
import pytest

from tests.support.tiny import land
from warehouse.base.catalog import attach

# A reading of the middle of 2023 that several windows of its customer's first loan hold.
CHANGED_MONTH = date(2023, 6, 1)


@pytest.fixture
def changed(tiny, tiny_data, tiny_queries, tmp_path):
    """Connections to the tiny set's gold before and after fe_1 of one row grew by 60, and whose."""
    before = duckdb.connect()
    attach(before, tiny / "current")
    customer = before.execute(
        """
        select customer_id
        from gold.feature_store
        where clickstream_null_reason is null and application_date between ? and ?
            and clickstream_snapshot_date = application_date
            and customer_id in (
                select customer_id from silver.clickstream where snapshot_date = ?
            )
        order by customer_id
        limit 1
        """,
        [CHANGED_MONTH, date(2023, 11, 1), CHANGED_MONTH],
    ).fetchone()[0]
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    _add_60_to_fe_1(data / "feature_clickstream.csv", customer)
    run_dir = tmp_path / "run"
    land(data, run_dir)
    after = duckdb.connect()
    attach(after, run_dir)
    for model in tiny_queries.models:
        built = (tiny / "current" / model.schema / f"{model.name}.parquet").exists()
        if built:
            after.execute(f"create table {model.relation} as {model.sql}")
    yield before, after, customer
    before.close()
    after.close()


def _add_60_to_fe_1(path, customer):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.endswith(f",{customer},{CHANGED_MONTH}"):
            first, rest = line.split(",", 1)
            lines[number] = f"{int(first) + 60},{rest}"
    path.write_text("\n".join(lines) + "\n")


def _differences(before, after, table, key):
    """(key, column) of every value that differs; the rows of both must have the same keys."""
    columns = [row[0] for row in before.execute(f"describe {table}").fetchall()]
    old = {row[columns.index(key)]: row for row in before.execute(f"from {table}").fetchall()}
    new = {row[columns.index(key)]: row for row in after.execute(f"from {table}").fetchall()}
    assert old.keys() == new.keys()
    return {
        (row_key, column)
        for row_key in old
        for column, was, is_now in zip(columns, old[row_key], new[row_key], strict=True)
        if was != is_now
    }


def test_one_reading_moves_its_windows_of_its_customer_and_nothing_else(changed):
    before, after, customer = changed
    moved = _differences(before, after, "gold.feature_store", "loan_id")
    assert moved
    owners = dict(
        before.execute("select loan_id, customer_id from gold.loan_applications").fetchall()
    )
    assert {owners[loan] for loan, _ in moved} == {customer}
    assert all(column.startswith("fe_1_") or column == "fe_1" for _, column in moved)
    assert not any("_count_" in column for _, column in moved)
    applications = dict(
        before.execute("select loan_id, application_date from gold.loan_applications").fetchall()
    )
    assert all(applications[loan] >= CHANGED_MONTH for loan, _ in moved)


def test_the_sum_over_all_history_moves_by_what_was_added(changed):
    before, after, customer = changed
    query = (
        "select loan_id, fe_1_sum_all from gold.feature_store"
        " where customer_id = ? and application_date >= ? order by loan_id"
    )
    old = before.execute(query, [customer, CHANGED_MONTH]).fetchall()
    new = after.execute(query, [customer, CHANGED_MONTH]).fetchall()
    assert [(loan, value + 60) for loan, value in old] == new


def test_labels_do_not_move(changed):
    before, after, _ = changed
    query = "from gold.label_store order by label_definition, loan_id"
    assert before.execute(query).fetchall() == after.execute(query).fetchall()
