"""One run from CSV to gold, and what a second run does."""

import io
import json
import re

from rich.console import Console

from warehouse.base.errors import UserError
from warehouse.cli.main import main
from warehouse.landing import bronze
from warehouse.pipeline import summary
from warehouse.reporting import report


def test_first_run_publishes_every_layer_and_says_what_a_reader_needs(sample_run, sample):
    datamart, output = sample_run[0], sample_run[1].stdout
    assert sample_run[1].stderr == "", "Spark and Java print to the log"
    assert "Spark" in next((datamart / "logs").iterdir()).read_text()
    assert re.search(r"\n  features_attributes: ([\d,]+) new rows of \1\n", output)
    for layer in ("bronze", "silver", "gold"):
        assert list((datamart / layer).rglob("*.parquet"))
    loans, features = sample.execute(
        "select (select count(*) from gold.loan_applications),"
        " (select count(*) from gold.feature_store)"
    ).fetchone()
    assert loans == features > 1000
    for text in ("rows landed", "quarantined", "30dpd_6mob", "default rate", "tests passed"):
        assert text in output
    assert str(datamart) in output
    # the profiles of the sample nearly stop with its last applications
    assert "2 warnings" in output
    assert re.search(r"features_attributes 2025-02: \d+ rows, about \d+ expected\n", output)


def test_a_summary_shows_some_warnings_and_that_a_build_was_limited(sample_datamart, tmp_path):
    def shown(manifest: dict) -> str:
        console = Console(file=io.StringIO(), width=120)
        summary.show(console, manifest, tmp_path, is_new=True)
        return console.file.getvalue()

    manifest = json.loads((sample_datamart / "current" / "manifest.json").read_text())
    assert "Built as" not in shown(manifest)
    manifest["tests"]["warnings"] = [f"warning [{number}]" for number in range(25)]
    manifest["inputs"] |= {"as_of": "2024-05-15", "known_at": "2026-01-31 12:00:00"}
    output = shown(manifest)
    warnings = re.findall(r"^  warning \[\d+\]$", output, re.MULTILINE)
    assert len(warnings) == summary.WARNINGS_SHOWN
    assert f"and {25 - len(warnings)} more, in {tmp_path / 'report.html'}" in output
    assert "Built as of 2024-05-15." in output
    assert "Built as it was known at 2026-01-31 12:00:00." in output


def test_rows_that_no_application_knows_are_counted_by_their_reason(sample):
    found = sample.execute(
        "select coalesce(reason, fate), sum(row_count)::integer from gold.row_ledger"
        " where layer = 'gold' and source = 'feature_clickstream' group by all order by all"
    ).fetchall()
    expected = sample.execute(
        """
        select
            case
                when customer_id not in (select customer_id from gold.loan_applications)
                    then 'no_application'
                when exists (
                    select 1 from gold.loan_applications as a
                    where a.customer_id = c.customer_id and a.application_date >= c.snapshot_date
                ) then 'known'
                else 'after_every_application'
            end as what,
            count(*)::integer
        from silver.clickstream as c group by all order by all
        """
    ).fetchall()
    assert found == expected
    assert {"known", "after_every_application"} <= dict(found).keys()


def test_second_run_on_the_same_files_does_nothing(datamart, monkeypatch, capsys):
    """Nor does it start Spark, or leave a record."""
    before = (datamart / "current").resolve()
    monkeypatch.setattr(bronze, "run_in_child", None)
    assert main(["--datamart-dir", str(datamart)]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert (datamart / "current").resolve() == before
    for folder in ("logs", "manifests"):
        assert [path.stem for path in (datamart / folder).iterdir()] == [before.name]


def test_report_that_is_missing_is_written_next_time(datamart, monkeypatch, capsys):
    run_dir = (datamart / "current").resolve()
    (run_dir / "report.html").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(report, "build_report", None)
        assert main(["--datamart-dir", str(datamart)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["--datamart-dir", str(datamart)]) == 0
    assert (datamart / "current").resolve() == run_dir
    assert run_dir.name in (datamart / "report.html").read_text()


def test_table_that_was_removed_is_built_again(datamart, monkeypatch, capsys):
    """The run is stopped just before the build, which would be a full one."""

    def refuse(_, landed):
        raise UserError(f"would build, incremental: {landed.is_incremental}")

    (datamart / "current").resolve().joinpath("gold", "label_store.parquet").unlink()
    monkeypatch.setattr("warehouse.pipeline.run.build", refuse)
    assert main(["--datamart-dir", str(datamart)]) == 1
    assert "would build, incremental: False" in capsys.readouterr().err


def test_bronze_that_was_removed_is_an_error_of_one_line(datamart, capsys):
    next((datamart / "current" / "bronze" / "lms_loan_daily").rglob("*.parquet")).unlink()
    assert main(["--datamart-dir", str(datamart)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "bronze/lms_loan_daily" in error and "put the file back" in error


def test_the_manifest_says_what_the_run_did(sample_datamart):
    manifest = json.loads((sample_datamart / "current" / "manifest.json").read_text())
    assert manifest["outcome"] == "published"
    assert len(manifest["inputs"]["files"]) == 4
    assert all(len(file["sha256"]) == 64 for file in manifest["inputs"]["files"])
    assert manifest["tests"]["passed"] > 20
    assert {"inspect", "land", "build", "test", "publish", "report"} == manifest["seconds"].keys()
    months = manifest["application_months"]
    assert sum(month["applications"] for month in months) == manifest["loans"]
    assert [month["is_closed"] for month in months] == sorted(
        (month["is_closed"] for month in months), reverse=True
    )
    assert len(manifest["training_set_sha256"]) == 64
    run_log = sample_datamart / "logs" / f"{manifest['run_id']}.log"
    assert "outcome: published" in run_log.read_text()
