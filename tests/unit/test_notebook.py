"""SQL in notebooks: the connection keeps its run, shows the lab, completes, and draws."""

import json
import warnings
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from warehouse.base.errors import UserError
from warehouse.notebook.connection import connect, keep, tables
from warehouse.notebook.sql_cells import Completer, draw, is_sql


def publish(root: Path, run_id: str, value: int) -> None:
    """Publish a run of one table, gold.numbers, as main.py does: one replaced link."""
    gold = root / "runs" / run_id / "gold"
    gold.mkdir(parents=True)
    duckdb.execute(f"copy (select {value} as x) to '{gold / 'numbers.parquet'}' (format parquet)")
    link = root / "current.new"
    link.symlink_to(Path("runs") / run_id)
    link.replace(root / "current")


def test_a_reader_keeps_its_run_while_another_is_published(tmp_path):
    publish(tmp_path, "1", 1)
    con = connect(tmp_path)
    publish(tmp_path, "2", 2)
    assert con.execute("select x from gold.numbers").fetchall() == [(1,)]
    assert connect(tmp_path).execute("select x from gold.numbers").fetchall() == [(2,)]
    (tmp_path / "current").unlink()
    (tmp_path / "current").write_text("runs/1\n")  # where there are no links
    assert connect(tmp_path).execute("select x from gold.numbers").fetchall() == [(1,)]


def test_no_datamart_yet_says_in_one_line_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"run `python main.py` first") as raised:
        connect(tmp_path / "nowhere")
    assert len(raised.value._render_traceback_()) == 1


def test_descriptions_of_the_run_are_comments(tmp_path):
    publish(tmp_path, "1", 1)
    columns = {"x": "It's x", "gone": "?"}
    texts = {
        "gold.numbers": {"description": "The user's numbers.", "columns": columns},
        "gold.not_built": {"description": "Absent.", "columns": {}},
    }
    (tmp_path / "runs" / "1" / "descriptions.json").write_text(json.dumps(texts))
    con = connect(tmp_path)
    comment = con.execute("select comment from duckdb_columns() where column_name = 'x'").fetchone()
    assert comment == ("It's x",)
    assert tables(con).description["gold.numbers"] == "The user's numbers."


def test_users_own_tables_are_shown_as_lab(tmp_path):
    publish(tmp_path, "1", 1)
    (tmp_path / "lab" / "many").mkdir(parents=True)
    for file in ("scores v2.parquet", "odd [1]*.parquet", "many/1.parquet", "many/2.parquet"):
        duckdb.execute(f"copy (select 7 as x) to '{tmp_path / 'lab' / file}' (format parquet)")
    (tmp_path / "lab" / "notes.txt").write_text("no table")
    (tmp_path / "lab" / "bad.parquet").write_text("not parquet")
    with pytest.warns(UserWarning, match=r"lab\.bad cannot be read"):
        con = connect(tmp_path)
    assert con.execute('select x from lab."scores v2"').fetchall() == [(7,)]
    assert con.execute('select x from lab."odd [1]*"').fetchall() == [(7,)]
    assert tables(con).rows["lab.many"] == 2


def test_kept_rows_are_a_table_now_and_later(tmp_path):
    publish(tmp_path, "1", 1)
    con = connect(tmp_path)
    for value in (1, 2):
        keep(con, "my scores", pd.DataFrame({"x": [value]}))
        assert con.execute('select x from lab."my scores"').fetchall() == [(value,)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert connect(tmp_path).execute('select x from lab."my scores"').fetchall() == [(2,)]
    assert [path.name for path in (tmp_path / "lab").iterdir()] == ["my scores.parquet"]


# SQL cells

KNOWN = {"gold.label_store": ["loan_id", "label"], "silver.clickstream": ["customer_id", "fe_1"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select * from go", "gold."),
        ("select * from gold.", "gold.label_store"),
        ("select fe_ from silver.clickstream", "fe_1"),
        ("select c.cust from silver.clickstream as c", "c.customer_id"),
        ("sel", "select"),
    ],
)
def test_completion_offers(text, expected):
    word = next((w for w in text.split() if w not in ("select", "*", "from")), "")
    found = [name for name, _ in Completer(KNOWN, ("select",)).suggestions(text, word)]
    assert expected in found
    assert "fe_1" not in found or "clickstream" in text  # columns of the tables named alone


def test_completion_leaves_python_cells_alone():
    assert is_sql("%%sql\nselect ", 1)
    assert is_sql("x = 1\ndf = %sql select ", 1)
    assert not is_sql("x = 1\ndf = %sql select 1", 0)
    assert not is_sql("import os", 0)


def test_completion_takes_its_words_from_the_connection(tmp_path):
    publish(tmp_path, "1", 1)
    completer = Completer.of(connect(tmp_path))
    assert completer.tables["gold.numbers"] == ["x"]
    assert {"select", "between", "median", "sum"} <= set(completer.words)


@pytest.mark.parametrize("kind", ["line", "bar", "area", "scatter"])
@pytest.mark.parametrize("series", [["y"], ["y", "z"]])
def test_query_is_drawn(kind, series):
    chart = draw(pd.DataFrame({"x": range(12)} | dict.fromkeys(series, range(12))), kind).to_dict()
    rows = next(iter(chart["datasets"].values()))
    assert len(rows) == 12 * len(series)
    assert chart["description"].startswith(f"{kind} chart: y")


def test_histogram_takes_one_column():
    chart = draw(pd.DataFrame({"amount": range(100)}), "hist").to_dict()
    assert chart["encoding"]["x"]["title"] == "amount"


def test_unknown_chart_and_empty_result_are_one_line():
    with pytest.raises(UserError, match="line, bar, area, scatter, hist"):
        draw(pd.DataFrame({"x": [1]}), "cake")
    with pytest.raises(UserError, match="no row"):
        draw(pd.DataFrame({"x": [], "y": []}))
