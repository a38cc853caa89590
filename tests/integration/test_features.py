"""The feature store on a caller's own rows, the scoring set in SQL, and builds of a moment."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.support.bronze import land_rows
from tests.support.compiled import NARROW, narrow_project
from tests.support.tiny import build, build_compiled, land, rows
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.cli.main import main
from warehouse.datamart.contents import table_hash
from warehouse.features import scoring
from warehouse.features.macros import create_macros
from warehouse.features.scoring import FeatureSet, write_features
from warehouse.transform.compiled import CompiledProject

TABLES = ("feature_store", "label_store", "training_set")


@pytest.fixture
def con(tiny):
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, tiny / "current")
        create_macros(con, (tiny / "current").resolve())
        yield con


def csv(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_feature_store_comes_out_again_exactly(con, tiny, tmp_path, monkeypatch):
    """From a CSV file in one part, and from a parquet file that is worked off in several."""
    wanted = con.execute("select * from gold.feature_store order by loan_id").fetchall()
    for suffix, rows_at_once in (("csv", scoring.ROWS_AT_ONCE), ("parquet", len(wanted) // 3)):
        monkeypatch.setattr(scoring, "ROWS_AT_ONCE", rows_at_once)
        spine, out = tmp_path / f"spine.{suffix}", tmp_path / "out.parquet"
        con.execute(
            "copy (select loan_id as my_loan, customer_id, application_date, loan_amt, tenure"
            f" from gold.feature_store order by md5(loan_id)) to '{spine}'"
        )
        assert write_features(tiny, spine, out).rows == len(wanted)
        found = con.execute(
            f"select * replace (cast(application_date as date) as application_date) from '{out}'"
        ).fetchall()
        in_order = con.execute("select loan_id from gold.feature_store order by md5(loan_id)")
        assert [row[:1] for row in found] == in_order.fetchall()
        is_same = sorted(found, key=lambda row: row[0]) == wanted
        assert is_same


def test_rows_columns_and_order_of_the_caller_are_kept(con, tiny, tmp_path):
    customer, day = con.execute(
        "select customer_id, application_date from gold.feature_store"
        " where fe_1 is not null limit 1"
    ).fetchone()
    spine = csv(
        tmp_path / "spine.csv",
        "note,CUSTOMER_ID,application_date,loan_id\n"
        f'"b, twice",{customer},{day},\n'
        f'"b, twice",{customer},{day} 23:59:59,\n'
        f"a,nobody,{day},7\n"
        f"no date,{customer},,7\n"
        f",,{day},007\n",
    )
    assert write_features(tiny, spine, tmp_path / "out.csv").rows == 5
    found = con.execute(
        "select note, CUSTOMER_ID, loan_id, clickstream_null_reason, fe_1 is not null as has_value"
        f" from read_csv('{tmp_path / 'out.csv'}', all_varchar = true)"
    ).fetchall()
    assert found == [
        ("b, twice", customer, None, None, True),
        ("b, twice", customer, None, None, True),
        ("a", "nobody", "7", "unknown_customer", False),
        ("no date", customer, "7", "no_date", False),
        (None, None, "007", "no_customer", False),
    ]
    counted = con.execute(
        f"select note, earlier_loans is not null from read_csv('{tmp_path / 'out.csv'}')"
        " where note in ('a', 'no date')"
    ).fetchall()
    assert sorted(counted) == [("a", True), ("no date", False)]


def test_the_scoring_set_holds_every_customer_known_by_the_day_and_nobody_else(
    con, tiny, tmp_path, capsys
):
    """As SQL, as a file of the command, and as the features of a spine of all these customers."""
    scoring_set = rows(con, "select * from features_as_of(date '2024-02-10')")
    customers = con.execute(
        """
        select distinct customer_id from (
            select customer_id, snapshot_date from silver.customer_attributes
            union all select customer_id, snapshot_date from silver.customer_financials
            union all select customer_id, snapshot_date from silver.clickstream
            union all select customer_id, snapshot_date from silver.loan_repayments
        )
        where snapshot_date <= date '2024-02-10' and customer_id is not null
        """
    ).fetchall()
    assert sorted(row[0] for row in scoring_set) == sorted(name for (name,) in customers)
    latest = "max(greatest(clickstream_snapshot_date, attributes_snapshot_date))"
    known = con.execute(f"select {latest} from features_as_of(date '2024-02-10')").fetchone()
    assert known == (date(2024, 2, 1),)

    out = tmp_path / "out.parquet"
    options = ["--datamart-dir", str(tiny), "--as-of", "2024-02-10", "--out", str(out)]
    assert main(["features", *options]) == 0
    assert rows(con, f"from '{out}'") == scoring_set
    shown = capsys.readouterr().out
    assert f"{len(scoring_set)} rows, one for each customer known on 2024-02-10" in shown

    spine = csv(
        tmp_path / "s.csv",
        "customer_id,as_of_date\n" + "".join(f"{name},2024-02-10\n" for (name,) in customers),
    )
    write_features(tiny, spine, out)
    query = f"select * replace (as_of_date::date as as_of_date) from '{out}'"
    assert rows(con, query) == scoring_set


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "customer_id,application_date,age\nx,2024-01-01,9\n",
            "column age of the spine is the name of a feature as well",
        ),
        ("customer_id,application_date\nx,1/5/2023\n", "application_date is '1/5/2023'"),
    ],
)
def test_a_bad_spine_is_refused_and_leaves_an_older_file_whole(tiny, tmp_path, text, message):
    spine, out = csv(tmp_path / "spine.csv", text), csv(tmp_path / "out.parquet", "as it was")
    with pytest.raises(UserError, match=message):
        write_features(tiny, spine, out)
    assert {path.name for path in tmp_path.iterdir()} == {"spine.csv", "out.parquet"}
    assert out.read_text() == "as it was"


def test_places_that_an_output_cannot_have_are_refused_with_a_better_one(tiny, tmp_path):
    spine = csv(tmp_path / "spine.csv", "customer_id,application_date\nx,2024-01-01\n")
    for place in ("bronze", "silver/x", "gold", "runs/tiny/gold", "current/gold"):
        with pytest.raises(UserError, match=f"a folder that runs replace: write to {tiny}/lab"):
            write_features(tiny, spine, tiny / place / "out.csv")
    link = tmp_path / "link"
    link.symlink_to(tiny / "current" / "gold")
    with pytest.raises(UserError, match="a folder that runs replace"):
        write_features(tiny, spine, link / "out.csv")
    (tmp_path / "same.csv").symlink_to(spine)
    for out in (spine, tmp_path / "same.csv"):
        with pytest.raises(UserError, match="is the input as well"):
            write_features(tiny, spine, out)
    with pytest.raises(UserError, match=r"name the output \.parquet or \.csv"):
        write_features(tiny, spine, tmp_path / "out.txt")
    with pytest.raises(UserError, match=r"nowhere/out.csv cannot be written"):
        write_features(tiny, spine, tmp_path / "nowhere" / "out.csv")
    with pytest.raises(UserError, match="holds no published datamart"):
        write_features(tmp_path, spine, tmp_path / "out.csv")


def test_a_header_alone_gives_all_columns_and_no_row(con, tiny, tmp_path):
    spine = csv(tmp_path / "spine.csv", "note,customer_id,application_date\n")
    out = tmp_path / "out.parquet"
    assert write_features(tiny, spine, out) == FeatureSet(0, 0, 0)
    names = [column for column, *_ in con.execute(f"describe from '{out}'").fetchall()]
    features = [column for column, *_ in con.execute("describe gold.feature_store").fetchall()]
    assert names == ["note", "customer_id", "application_date", *features[3:]]
    assert con.execute(f"select count(*) from '{out}'").fetchone() == (0,)


def test_customers_that_no_source_knows_are_counted_and_have_a_reason(con, tiny, tmp_path, capsys):
    (known,) = con.execute(
        "select customer_id from gold.feature_store order by application_date limit 1"
    ).fetchone()
    spine = csv(
        tmp_path / "s.csv",
        f"customer_id,day\n {known}_,1999-01-01\nstranger,2024-01-01\nstranger 2,2024-01-01\n",
    )
    out = tmp_path / "out.csv"
    options = ["--datamart-dir", str(tiny), "--spine", str(spine), "--out", str(out)]
    assert main(["features", *options]) == 0
    shown = capsys.readouterr().out
    assert "3 customers, 2 of them in no source" in shown
    assert "warning: no source knows most of these customers" in shown
    reasons = con.execute(
        "select attributes_null_reason, loan_history_null_reason"
        f" from read_csv('{out}', all_varchar = true)"
    ).fetchall()
    assert reasons == [("no_history_yet",) * 2, *[("unknown_customer",) * 2] * 2]


def test_terms_of_the_loan_are_features_where_the_spine_has_them(con, tiny, tmp_path):
    spine = tmp_path / "spine.parquet"
    con.execute(
        "copy (select customer_id, loan_amt * 2 as LOAN_AMT, application_date"
        f" from gold.feature_store) to '{spine}' (format parquet)"
    )
    write_features(tiny, spine, tmp_path / "out.parquet")
    doubled = con.execute(
        f"select count(*) from '{tmp_path / 'out.parquet'}' as scored"
        " inner join gold.feature_store as store using (customer_id, application_date)"
        " where scored.loan_amt = 2 * store.loan_amt and scored.tenure is null"
    ).fetchone()
    assert doubled == con.execute("select count(*) from gold.feature_store").fetchone()


def test_the_saved_project_is_the_compiled_one_in_build_order(tiny):
    saved = CompiledProject.load(tiny / "current")
    assert saved == narrow_project()
    seen = {source.relation for source in saved.sources} | {'"bronze"."loads"'}
    for model in saved.models:
        assert seen.issuperset(model.depends_on), model.name
        seen.add(model.relation)


def hashes(run_dir: Path) -> dict[str, str]:
    with duckdb.connect() as con:
        attach(con, run_dir)
        return {table: table_hash(con, f"gold.{table}") for table in TABLES}


def test_a_build_as_of_a_day_is_a_build_from_what_there_was(tiny, tiny_data, tmp_path):
    """Later rows are left out, and so is a row of an earlier day that came late."""
    late = {"loan_id": "late", "Customer_ID": "CUS_late", "tenure": "10", "installment_num": "0"}
    late |= {"loan_amt": "10000", "due_amt": "0", "paid_amt": "0", "overdue_amt": "0"}
    late |= {"balance": "10000", "loan_start_date": "2023-06-01", "snapshot_date": "2023-06-01"}
    then, truncated = tmp_path / "then", tmp_path / "truncated"
    land(tiny_data, then)
    land_rows(then, 3, "2025-06-02 06:00:00", {"lms_loan_daily": [late]})
    build(then, as_of="2024-03-01", **NARROW)
    land(tiny_data, truncated, "snapshot_date <= '2024-03-01'")
    build_compiled(truncated, narrow_project())
    assert hashes(then) == hashes(truncated)
    assert hashes(then) != hashes(tiny / "current")
