"""The tutorial adds a source in four files, and everything knows it from there.

The copy of the project has a sixth source too, as `new-source` writes it from a file: without
features, and with what a stranger's file may have in its header.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from tests.support import bronze
from tests.support.enquiries import BAD_ROWS, write_enquiries
from tests.support.leaks import leave_out_windows, planted
from tests.support.project import copy_project, run_command
from tests.support.tutorial import follow_tutorial
from warehouse.base.catalog import attach
from warehouse.contracts.contract import read_contracts
from warehouse.features.explain import explain
from warehouse.features.scoring import write_features
from warehouse.landing.bronze import land_files
from warehouse.landing.inspection import inspect_sources
from warehouse.landing.scaffold import new_source
from warehouse.notebook.sql_cells import Completer
from warehouse.proof.prove import prove
from warehouse.reporting.report import build_report
from warehouse.sample.files import write_files
from warehouse.transform.compiled import CompiledProject
from warehouse.transform.dbt_options import invoke, run_options, run_variables, shared_target

FEATURES = {
    "latest_enquiry_type",
    "enquiries_90_days",
    "enquiry_kinds_90_days",
    "enquired_amount_90_days",
}
LANDED_AT = "2025-06-01 06:00:00"
LOANS_PER_BATCH = 20  # of the wide tables
TESTS = (
    *("sources_keep_to_their_history", "every_bronze_row_has_exactly_one_fate", "ledger_balances"),
    *("the_latest_known_snapshot_was_used", "feature_catalog_is_the_feature_store"),
    *("point_in_time_feature_store", "enquiries", "enquiries_features", "branch_visits"),
    # the unit tests of the tables that are made of all sources
    *("set_aside_rows,test_type:unit", "watermarks,test_type:unit", "quarantine,test_type:unit"),
)
LEAK = (
    "models/gold/enquiries_features.sql",
    "        {{ provenance('enquiries') }}\n",
    "        (select count(*) from {{ ref('enquiries') }} as e"
    " where e.customer_id = joined.customer_id) as enquiries_ever,\n"
    "        {{ provenance('enquiries') }}\n",
)
PHONE = (
    "models/silver/enquiries.sql",
    "        amount_cleaned as amount,\n",
    "        amount_cleaned as amount,\n        {{ text_value('phone') }} as customer_phone,\n",
)
PERSONAL = {
    "an_ssn": ("select 'see 123-45-6789' as note", "has a text that looks like an SSN"),
    "a_list": ("select ['987-65-4321'] as notes", "has a text that looks like an SSN"),
    "a_name": ("select 1 as customer_name", "has a column customer_name"),
    "clean": ("select true as is_ssn_valid, '12-34-5678' as note, '2024-01-01' as day", None),
}
SENSITIVE = {"age", "occupation"}
HOLD_SENSITIVE = {
    "bronze.features_attributes",
    "silver.customer_attributes",
    "gold.attributes_features",
    "gold.feature_store",
    "gold.training_set",
}


@dataclass(frozen=True)
class Warehouse:
    """A copy of the project, and what was built of it."""

    project: Path
    root: Path
    run_dir: Path
    enquiries: list[tuple[str, ...]]

    @cached_property
    def manifest(self) -> Any:
        return self.dbt("parse").result

    @property
    def dbt_dir(self) -> Path:
        return self.project / "dbt_project"

    def dbt(self, *command: str, manifest: Any = None) -> Any:
        """Run dbt in this process; returns what its runner does."""
        from dbt.cli.main import dbtRunner

        target_dir = shared_target(self.dbt_dir)  # its parse serves the proof, too
        options = run_options(self.run_dir, target_dir, run_variables(), project_dir=self.dbt_dir)
        options += ["--no-write-json", "--log-level", "none", "--log-level-file", "none"]
        return dbtRunner(manifest=manifest).invoke([*command, *options])


def write_visits(data: Path) -> Path:
    """A file with blanks and a keyword in its header, day before month, and dirt."""
    path = data / "branch visits_2024.csv"
    lines = ["Visit No,client_id,Visited At,Loan Amt,order,clerk_email,first_seen"]
    lines += [
        f"V{i:03},CUS_{i % 5},{i % 9 + 13:02}/03/2024 10:{i:02},{i * 10}.5,{i},a@b.com,2023-01-09"
        for i in range(30)
    ]
    path.write_text("\n".join([*lines, "V030,CUS_1,14/03/2024 11:00,much,1.5,,\n"]))
    return path


def add_loan_of_nobody(data: Path) -> None:
    """Append the rows of a loan that names no customer."""
    path = data / "lms_loan_daily.csv"
    header, first, *_ = csv.reader(path.read_text().splitlines())
    row = dict(zip(header, first, strict=True)) | {"loan_id": "LOAN_nobody", "Customer_ID": ""}
    with path.open("a") as file:
        csv.writer(file, lineterminator="\n").writerow(row.values())


@pytest.fixture(scope="module")
def five(spark, tmp_path_factory) -> Warehouse:
    folder = tmp_path_factory.mktemp("fifth_source")
    data, root = folder / "data", folder / "datamart"
    data.mkdir()
    write_files(60, 3, data)
    add_loan_of_nobody(data)
    enquiries, visits = write_enquiries(data), write_visits(data)
    project = copy_project(folder / "project")
    dbt_dir, run_dir = project / "dbt_project", root / "runs" / "five"
    leave_out_windows(dbt_dir)
    settings = dbt_dir / "dbt_project.yml"
    batches = f"loans_per_batch: {LOANS_PER_BATCH}"
    settings.write_text(settings.read_text().replace("loans_per_batch: 100000", batches))
    follow_tutorial(project)
    new_source(visits, dbt_dir=dbt_dir, data_dir=data)
    contracts = read_contracts(
        dbt_dir / "models" / "bronze" / "_bronze.yml", dbt_dir / "dbt_project.yml"
    )
    added = [contract for contract in contracts if contract.name not in bronze.contracts()]
    inspection = inspect_sources(added, data, run_dir / "bronze")
    land_files(spark, inspection, run_dir / "bronze", folder / "spark.log", print)
    bronze.land_files(run_dir, data, 1, LANDED_AT)
    warehouse = Warehouse(project, root, run_dir, enquiries)
    built = warehouse.dbt("run", "--full-refresh", manifest=warehouse.manifest)
    assert built.success, [r.message for r in built.result or () if r.message != "OK"]
    CompiledProject.from_manifest(warehouse.manifest, dbt_dir).save(run_dir)
    (root / "current").symlink_to(run_dir)
    return warehouse


@pytest.fixture(scope="module")
def con(five) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, five.run_dir)
        yield con


def test_its_files_land_and_are_counted(con, five):
    loads = con.execute(
        "select source_file, rows_landed from bronze.loads where source = 'bureau_enquiries'"
        " order by source_file"
    ).fetchall()
    half = len(five.enquiries) // 2
    rest = len(five.enquiries) - half + len(BAD_ROWS)
    assert loads == [("bureau_enquiries_1.csv", half), ("bureau_enquiries_2.csv.gz", rest)]


def test_the_ledger_and_the_quarantine_have_its_rows(con, five):
    counts = con.execute(
        "select layer, fate, sum(row_count) from gold.row_ledger"
        " where source = 'bureau_enquiries' and layer <> 'gold' group by all"
    ).fetchall()
    good, bad = len(five.enquiries), len(BAD_ROWS)
    assert {(layer, fate): rows for layer, fate, rows in counts} == {
        ("file", "read"): good + bad,
        ("bronze", "landed"): good + bad,
        ("silver", "used"): good,
        ("silver", "quarantined"): bad,
    }
    found = con.execute(
        "select reason, source_file, raw_row from silver.quarantine"
        " where source = 'bureau_enquiries' order by reason"
    ).fetchall()
    assert [reason for reason, *_ in found] == ["invalid_snapshot_date", "missing_key"]
    assert {file for _, file, _ in found} == {"bureau_enquiries_2.csv.gz"}
    assert not any("phone" in raw or "555-" in raw for *_, raw in found)


def test_features_are_those_of_plain_arithmetic(con, five):
    loans = con.execute(
        "select customer_id, application_date, enquiries_90_days, enquiry_kinds_90_days,"
        " enquired_amount_90_days, latest_enquiry_type, enquiries_null_reason"
        " from gold.feature_store"
    ).fetchall()
    assert len(loans) > 50
    for customer, applied, *found in loans:
        known = [
            (datetime.fromisoformat(moment), kind, float(amount) if amount[0].isdigit() else None)
            for _, owner, _, moment, kind, amount in five.enquiries
            if owner == customer and date.fromisoformat(moment[:10]) < applied
        ]
        recent = [(k, a) for m, k, a in known if (applied - m.date()).days <= 90]
        amounts = [amount for _, amount in recent if amount is not None]
        assert found == [
            len(recent),
            len({kind for kind, _ in recent}),
            sum(amounts) if amounts else None,
            max(known, key=lambda enquiry: enquiry[0])[1] if known else None,
            None if known else "no_history_yet" if customer else "no_customer",
        ]


def test_catalogue_and_drift_have_its_features(con):
    catalogue = con.execute(
        "select feature, source, point_in_time_rule, description from gold.feature_catalog"
        " where feature_group = 'enquiries'"
    ).fetchall()
    assert {feature for feature, *_ in catalogue} == FEATURES
    assert {source for _, source, *_ in catalogue} == {"bureau_enquiries"}
    assert all("dated before the application" in rule for _, _, rule, _ in catalogue)
    drift = con.execute("select distinct feature from gold.feature_drift").fetchall()
    assert {(feature,) for feature in FEATURES} <= set(drift)


def test_the_projects_own_tests_hold_it(five):
    outcome = five.dbt("test", "--select", *TESTS, manifest=five.manifest)
    failed = {
        r.node.name: r.message
        for r in outcome.result
        if r.status not in ("pass", "warn", "success")
    }
    assert failed == {}
    ran = {result.node.name: result.node.compiled_code for result in outcome.result}
    for name in TESTS[:2]:
        assert "bureau_enquiries" in ran[name]
        assert "branch_visits" in ran[name]
    assert "mean of amount" in ran["sources_keep_to_their_history"]


def test_what_new_source_wrote_reads_the_file(con):
    found = con.execute(
        "select visit_no, customer_id, snapshot_date, loan_amt, order_in_file, first_seen,"
        " cleaning_actions from silver.branch_visits where visit_no in ('V002', 'V030') order by 1"
    ).fetchall()
    seen = date(2023, 1, 9)
    assert found == [
        ("V002", "CUS_2", date(2024, 3, 15), 20.5, 2, seen, []),
        (
            *("V030", "CUS_1", date(2024, 3, 14), None, 1.5, None),
            ["loan_amt:not_a_number"],
        ),
    ]
    columns = [name for name, *_ in con.execute("describe silver.branch_visits").fetchall()]
    assert not any("email" in name for name in columns)


def test_report_and_explain_show_it(con, five):
    page = build_report(five.run_dir, {"run_id": "five"}, [], None)
    assert "bureau_enquiries_2.csv.gz" in page
    assert "python main.py prove adds a light model" in page
    assert all(feature in page for feature in FEATURES)
    (loan,) = con.execute(
        "select min(loan_id) from gold.feature_store where enquiries_90_days > 0"
    ).fetchone()
    console = Console(file=io.StringIO(), width=240)
    explain(five.root, loan, console)
    shown = console.file.getvalue()
    for text in ("Enquiries", "bureau_enquiries_", "enquiry_id", "dated on the day", *FEATURES):
        assert text in shown
    assert "555-" not in shown


def test_notebooks_complete_it(con):
    completer = Completer.of(con)
    assert ("silver.enquiries", "table") in completer.suggestions("from silver.enq", "silver.enq")
    text = "select enquired from silver.enquiries"
    assert ("enquired_at", "column") in completer.suggestions(text, "enquired")


def test_a_callers_spine_gets_the_features_that_the_store_has_in_batches(con, five, tmp_path):
    """The spine is one query; the store is files of customers, and one of open applications."""
    spine, out = tmp_path / "spine.parquet", tmp_path / "out.parquet"
    con.execute(
        "copy (select loan_id as mine, customer_id, application_date, loan_amt, tenure"
        f" from gold.feature_store) to '{spine}'"
    )
    write_features(five.root, spine, out)
    columns = ", ".join(
        name
        for name, *_ in con.execute("describe gold.feature_store").fetchall()
        if name != "loan_id"
    )
    again = con.execute(f"select mine, {columns} from '{out}' order by 1").fetchall()
    store = con.execute(f"select loan_id, {columns} from gold.feature_store order by 1").fetchall()
    assert again == store
    assert None in [customer for _, customer, *_ in store]

    for table in ("clickstream_features", "feature_store", "training_set"):
        files = con.execute(
            f"select count(*) from read_parquet('{five.run_dir}/gold/{table}.*.parquet',"
            " filename = true) group by filename"
        ).fetchall()
        assert len(files) > 2
        assert all(loans < 2 * LOANS_PER_BATCH for (loans,) in files)


def test_every_model_is_held_against_personal_data(five):
    """The guard is a hook of the whole project, and knows the personal columns of any source."""
    gold = five.dbt_dir / "models" / "gold"
    try:
        for name, (sql, _) in PERSONAL.items():
            (gold / f"{name}.sql").write_text(sql)
        with planted(five.dbt_dir, PHONE):
            outcome = five.dbt("run", "--full-refresh", "--select", "enquiries", *PERSONAL)
    finally:
        for name in PERSONAL:
            (gold / f"{name}.sql").unlink(missing_ok=True)
    messages = {
        f"{result.node.schema}.{result.node.name}": result.message
        for result in outcome.result
        if result.node.resource_type == "model"
    }
    expected = {f"gold.{name}": problem for name, (_, problem) in PERSONAL.items()}
    expected["silver.enquiries"] = "has a column customer_phone, named like a personal column"
    assert set(messages) == set(expected)
    for name, problem in expected.items():
        assert (f"{name} {problem}" in messages[name]) if problem else "OK" in messages[name]


def test_sensitive_columns_are_where_the_catalogue_says(con, five):
    """In the catalogue: every table that holds one, and every exposure that reads such a table."""
    tables = con.execute(
        "select distinct table_schema || '.' || table_name from information_schema.columns"
        " where table_schema in ('bronze', 'silver', 'gold') and lower(column_name) in $1",
        [list(SENSITIVE)],
    ).fetchall()
    assert {table for (table,) in tables} == HOLD_SENSITIVE
    manifest = five.manifest
    nodes = manifest.nodes | manifest.sources
    holding = {key for key, node in nodes.items() if f"{node.schema}.{node.name}" in HOLD_SENSITIVE}
    readers = {
        exposure.label
        for exposure in manifest.exposures.values()
        if holding & set(exposure.depends_on.nodes)
    }
    assert {"A baseline credit model", "Online feature serving"} <= readers
    uses = "select feature, sensitive_uses from gold.feature_catalog where len(sensitive_uses) > 0"
    listed = dict(con.execute(uses).fetchall())
    assert {feature: set(found) for feature, found in listed.items()} == dict.fromkeys(
        SENSITIVE, HOLD_SENSITIVE | readers
    )


def test_a_leak_in_its_gold_model_is_named(five):
    with planted(five.dbt_dir, LEAK):
        result = prove(five.root, five.dbt_dir, ["2024-03"])
    assert {
        found["column"] for found in result["differences"] if found["variant"] == "truncated"
    } == {"enquiries_ever"}


@pytest.mark.long
def test_the_spark_target_has_its_models(five, tmp_path):
    options = run_options(five.run_dir, tmp_path, run_variables(), project_dir=five.dbt_dir)
    selected = ("bureau_enquiries+", "source:bronze.bureau_enquiries+")
    what = ("--resource-type", "model", "--output", "name", "--select", *selected)
    outcome = invoke(["ls", *what, *options, "--target", "spark"])
    assert outcome.success, outcome.exception
    assert {"enquiries", "enquiries_features", "feature_store", "row_ledger"} <= set(outcome.result)
    assert "feature_catalog" not in outcome.result


@pytest.mark.long
def test_spark_builds_the_same_tables(con, five):
    import sys

    (five.root / "bronze").symlink_to(five.run_dir / "bronze")
    result = run_command(
        *(sys.executable, "-m", "warehouse.transform.spark_target", "build"),
        *(
            "--select",
            "+enquiries_features",
            "--vars",
            json.dumps({"spark_datamart": str(five.root)}),
        ),
        cwd=five.project,
        project=five.project,
        timeout=1800,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    for table in ("silver/enquiries", "gold/enquiries_features"):
        on_spark = f"select * from '{five.root}/spark/{table}/*.parquet'"
        here = f"select * from {table.replace('/', '.')}"
        assert con.execute(f"{here} except {on_spark}").fetchall() == []
        assert con.execute(f"{on_spark} except {here}").fetchall() == []
