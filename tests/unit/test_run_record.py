"""What a run leaves when it fails or is stopped, and what decides whether there is work to do."""

import io
import json
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.files import write_json
from warehouse.base.paths import DBT_DIR, PROJECT_DIR
from warehouse.base.rows import rows_of
from warehouse.datamart import publish as publishing
from warehouse.datamart.contents import APPLICATION_MONTHS, changed_closed_months
from warehouse.datamart.runs import begin, open_datamart
from warehouse.pipeline import inputs
from warehouse.pipeline.progress import Progress
from warehouse.pipeline.record import Record


@pytest.fixture
def datamart(tmp_path):
    return open_datamart(tmp_path / "datamart")


@pytest.fixture
def progress():
    return Progress(Console(file=io.StringIO()))


def outcomes(datamart) -> Counter:
    return Counter(json.loads(path.read_text())["outcome"] for path in datamart.manifests.iterdir())


def test_unforeseen_error_is_one_line_with_its_trace_in_the_log(datamart, progress):
    with (
        pytest.raises(UserError, match="no such luck; the full trace is in") as raised,
        Record(datamart, progress) as record,
    ):
        record.begin({"files": []})
        begin(datamart, record.run_id)
        raise ValueError("no such luck\nmore")
    assert "\n" not in str(raised.value)
    assert "Traceback" in record.log_file.read_text()
    assert outcomes(datamart) == {"failed": 1}
    assert not datamart.building.exists()


def test_error_before_anything_is_done_leaves_a_record_too(datamart, progress):
    with pytest.raises(UserError, match="the file is bad"), Record(datamart, progress) as record:
        raise UserError("the file is bad")
    assert outcomes(datamart) == {"failed": 1}
    (manifest,) = datamart.manifests.iterdir()
    assert json.loads(manifest.read_text())["error"] == "the file is bad"
    assert "outcome: failed the file is bad" in record.log_file.read_text()


def test_killed_run_leaves_the_record_of_its_beginning(datamart, progress):
    Record(datamart, progress).begin({"files": []})
    assert outcomes(datamart) == {"unfinished": 1}


def test_run_without_anything_to_do_leaves_no_record(datamart, progress):
    with Record(datamart, progress):
        pass
    assert outcomes(datamart) == {}
    assert list(datamart.logs.iterdir()) == []


def test_run_that_is_stopped_after_it_is_published_is_published(datamart, progress, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "_prune_runs", stop)
    with (
        pytest.raises(UserError, match="is published, but its report was not written"),
        Record(datamart, progress) as record,
    ):
        record.begin({"files": []})
        begin(datamart, record.run_id)
        record.published({})
        publishing.publish(datamart, record.run_id)
    assert datamart.current_run().name == record.run_id
    assert outcomes(datamart) == {"published": 1}


# What decides whether there is something to do


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a copy of dbt's project and of the package, which the hash is made of."""
    project = tmp_path / "project"
    for name in ("dbt_project", "warehouse"):
        ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
        shutil.copytree(PROJECT_DIR / name, project / name, ignore=ignored)
    monkeypatch.setattr(inputs, "PROJECT_DIR", project)
    monkeypatch.setattr(inputs, "DBT_DIR", project / DBT_DIR.name)
    return project


def test_hash_changes_with_what_decides_over_tables_and_with_nothing_else(project):
    for path, is_decisive in {
        "dbt_project/models/docs.md": True,
        "dbt_project/profiles.yml": True,
        "warehouse/landing/bronze.py": True,
        "warehouse/reporting/report.py": False,
        "warehouse/cli/main.py": False,
        "dbt_project/target/x.json": False,
    }.items():
        before = inputs.code_hash()
        (project / path).parent.mkdir(exist_ok=True)
        with (project / path).open("a") as file:
            file.write("\n")
        assert (inputs.code_hash() != before) == is_decisive, path


def test_new_loan_of_a_closed_month_is_no_change_and_a_changed_one_is(tmp_path):
    def run(name: str, rows: str) -> Path:
        (tmp_path / name / "gold").mkdir(parents=True)
        duckdb.execute(
            f"copy (select * from (values {rows}) as t(loan_id, application_date, x))"
            f" to '{tmp_path / name / 'gold' / 'feature_store.parquet'}' (format parquet)"
        )
        return tmp_path / name

    def months(run_dir: Path) -> list[dict]:
        with duckdb.connect() as con:
            attach(con, run_dir)
            query = APPLICATION_MONTHS.format(condition="")
            return rows_of(con, query, [date(2024, 1, 31)])

    loan = "('1', date '2024-01-02', 7)"
    before = run("before", loan)
    assert [month["is_closed"] for month in months(before)] == [True]
    write_json(before / "manifest.json", {"application_months": months(before)})
    more = run("more", f"{loan}, ('2', date '2024-01-05', 8)")
    other = run("other", "('1', date '2024-01-02', 8)")
    gone = run("gone", "('2', date '2024-02-05', 8)")
    for later, changed in ((before, []), (more, []), (other, ["2024-01"]), (gone, ["2024-01"])):
        assert changed_closed_months(later, before, months(later)) == changed
