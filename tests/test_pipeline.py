"""One run from CSV to gold, and what a second run does."""

import io
import json
import re

from rich.console import Console

from tests.conftest import run_main
from tests.test_java import idle_java
from warehouse.pipeline import summary


def test_a_first_run_publishes_every_layer(sample_datamart, sample):
    for layer in ("bronze", "silver", "gold"):
        assert list((sample_datamart / layer).rglob("*.parquet"))
    loans, features = sample.execute(
        "select (select count(*) from gold.loan_applications),"
        " (select count(*) from gold.feature_store)"
    ).fetchone()
    assert loans == features > 1000


def test_the_summary_says_what_a_reader_needs(sample_run):
    said = sample_run[1].stdout
    for text in ("rows landed", "quarantined", "30dpd_6mob", "default rate", "tests passed"):
        assert text in said
    assert str(sample_run[0]) in said


def test_the_summary_says_what_warned_with_its_figures(sample_run):
    """The profiles of the sample nearly stop with its last applications."""
    said = sample_run[1].stdout
    assert "2 warnings" in said
    assert re.search(r"features_attributes 2025-02: \d+ rows, about \d+ expected\n", said)


def test_a_summary_shows_some_warnings_and_where_the_others_are(sample_datamart, tmp_path):
    manifest = json.loads((sample_datamart / "current" / "manifest.json").read_text())
    manifest["tests"]["warnings"] = [f"warning [{number}]" for number in range(25)]
    console = Console(file=io.StringIO(), width=120)
    summary.show(console, manifest, tmp_path, is_new=True)
    said = console.file.getvalue()
    shown = re.findall(r"^  warning \[\d+\]$", said, re.MULTILINE)
    assert len(shown) == summary.WARNINGS_SHOWN
    assert f"and {25 - len(shown)} more, in {tmp_path / 'report.html'}" in said


def test_a_summary_says_that_a_build_was_limited(sample_datamart, tmp_path):
    manifest = json.loads((sample_datamart / "current" / "manifest.json").read_text())
    console = Console(file=io.StringIO(), width=120)
    summary.show(console, manifest, tmp_path, is_new=True)
    assert "Built as" not in console.file.getvalue()
    manifest["inputs"] |= {"as_of": "2024-05-15", "known_at": "2026-01-31 12:00:00"}
    summary.show(console, manifest, tmp_path, is_new=True)
    assert "Built as of 2024-05-15." in console.file.getvalue()
    assert "Built as it was known at 2026-01-31 12:00:00." in console.file.getvalue()


def test_every_row_of_the_files_is_accounted_for(sample):
    unbalanced = sample.execute(
        """
        select source, load_id,
            sum(case layer when 'file' then row_count end) as read,
            sum(case layer when 'silver' then row_count end) as judged,
            sum(case when layer = 'silver' and fate = 'used' then row_count else 0 end) as used,
            sum(case layer when 'gold' then row_count else 0 end) as at_gold,
            sum(case when fate = 'seen_before' then row_count else 0 end) as seen
        from gold.row_ledger group by all having read <> judged + seen or used <> at_gold
        """
    ).fetchall()
    assert unbalanced == []


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


def test_a_second_run_on_the_same_files_does_nothing(
    unpacked_project, datamart, tmp_path, monkeypatch
):
    """Nor does it start Java, or leave a record."""
    before = (datamart / "current").resolve()
    java_home, java_started = idle_java(tmp_path / "java")
    monkeypatch.setenv("JAVA_HOME", str(java_home))
    result = run_main("--datamart-dir", datamart, project=unpacked_project)
    assert result.returncode == 0
    assert "Nothing to do" in result.stdout
    assert (datamart / "current").resolve() == before
    assert not java_started.exists()
    for folder in ("logs", "manifests"):
        assert [path.stem for path in (datamart / folder).iterdir()] == [before.name]


def test_the_manifest_says_what_the_run_did(sample_datamart):
    manifest = json.loads((sample_datamart / "current" / "manifest.json").read_text())
    assert manifest["outcome"] == "published"
    assert len(manifest["inputs"]["files"]) == 4
    assert all(len(file["sha256"]) == 64 for file in manifest["inputs"]["files"])
    assert manifest["tests"]["passed"] > 20
    assert len(manifest["training_set_sha256"]) == 64
    run_log = sample_datamart / "logs" / f"{manifest['run_id']}.log"
    assert "outcome: published" in run_log.read_text()
