"""A changed input row changes what it should and nothing else."""

import shutil
from datetime import date

import duckdb

from tests.support.compiled import narrow_project
from tests.support.tiny import land
from warehouse.base.catalog import attach

# A reading of the middle of 2023 that several windows of its customer's first loan hold.
CHANGED_MONTH = date(2023, 6, 1)


def test_one_reading_moves_the_windows_of_its_customer_and_nothing_else(tiny, tiny_data, tmp_path):
    """fe_1 of one row grows by 60; no other customer, counter, count or label moves."""
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
    shutil.copytree(tiny_data, tmp_path / "data")
    path = tmp_path / "data" / "feature_clickstream.csv"
    lines = path.read_text().splitlines()
    (number,) = (n for n, line in enumerate(lines) if line.endswith(f",{customer},{CHANGED_MONTH}"))
    first, rest = lines[number].split(",", 1)
    lines[number] = f"{int(first) + 60},{rest}"
    path.write_text("\n".join(lines) + "\n")
    land(tmp_path / "data", tmp_path / "run")
    attach(after, tmp_path / "run")
    for model in narrow_project().needed(["feature_store", "label_store"]):
        after.execute(f"create table {model.relation} as {model.sql}")

    def both(query: str) -> tuple[list[tuple], list[tuple]]:
        return before.execute(query).fetchall(), after.execute(query).fetchall()

    columns = [row[0] for row in before.execute("describe gold.feature_store").fetchall()]
    loan, owner, applied, total = (
        columns.index(name)
        for name in ("loan_id", "customer_id", "application_date", "fe_1_sum_all")
    )
    moved = set()
    for row, new_row in zip(*both("from gold.feature_store order by loan_id"), strict=True):
        assert row[loan] == new_row[loan]
        moved |= {
            (row[owner], column)
            for column, was, now in zip(columns, row, new_row, strict=True)
            if was != now
        }
        if row[owner] == customer:
            grown = 60 if row[applied] >= CHANGED_MONTH else 0
            assert new_row[total] == row[total] + grown
    assert {name for name, _ in moved} == {customer}
    assert all(column.startswith("fe_1_") or column == "fe_1" for _, column in moved)
    assert not any("_count_" in column for _, column in moved)
    labels, new_labels = both("from gold.label_store order by label_definition, loan_id")
    assert labels == new_labels
