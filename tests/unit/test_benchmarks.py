"""Benchmarks measure whole process trees, compare rows before they time, and keep their results."""

import sys

import duckdb
import pytest

pytest.importorskip("psutil", reason="only the benchmarks need it")

from benchmarks import floor, pipeline, results
from benchmarks.joins import check_equal
from benchmarks.measure import Cost, measure

CHILD = "import time; block = bytearray(200 * 2**20); t = time.process_time()\n"
CHILD += "while time.process_time() < t + 0.5: pass"


def test_cost_includes_child_processes():
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '''{CHILD}'''])"
    cost = measure([sys.executable, "-c", parent])
    assert cost.cpu_seconds > 0.4
    assert 200 < cost.peak_mb < 400


def test_failing_command_ends_the_benchmark_with_its_output():
    with pytest.raises(SystemExit, match="no such thing"):
        measure([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_contenders_with_other_rows_are_refused(tmp_path):
    files = {name: tmp_path / f"{name}.parquet" for name in ("one", "same", "other")}
    with duckdb.connect() as con:
        for name, rows in (("one", "(1), (2)"), ("same", "(2), (1)"), ("other", "(1), (1)")):
            con.execute(f"copy (from (values {rows}) as t (x)) to '{files[name]}'")
    check_equal({name: files[name] for name in ("one", "same")})
    with pytest.raises(SystemExit, match="other gives 2 other rows of 2 than one"):
        check_equal(files)


@pytest.mark.long
def test_plain_sql_makes_the_tables_of_the_run(tmp_path, sample_datamart):
    run = sample_datamart / "current"
    floor.plain_sql(run, tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("*/*.parquet"))
    assert {path.parent.name for path in made} == {"silver", "gold"}
    for table in made:
        several = sorted((run / table.parent).glob(f"{table.stem}.*parquet"))
        assert several, table
        if len(several) == 1:
            check_equal({"run": several[0], "floor": tmp_path / table})


def test_months_are_cut_by_snapshot_date(tmp_path, data_dir):
    pipeline.cut_months(data_dir, tmp_path)
    for file in data_dir.glob("*.csv"):
        whole = set(file.read_text().splitlines())
        before, month, both = (
            (tmp_path / name / file.name).read_text().splitlines()
            for name in ("before", "month", "all")
        )
        assert before[0] == month[0] == both[0]
        assert sorted(before[1:] + month[1:]) == sorted(both[1:])
        assert len(set(both) - whole) < 20, "only rows whose quotes are written otherwise"
    repayments = (tmp_path / "month" / "lms_loan_daily.csv").read_text().splitlines()[1:]
    (month,) = {line.rpartition(",")[2][:7] for line in repayments}
    before = (tmp_path / "before" / "lms_loan_daily.csv").read_text().splitlines()[1:]
    assert max(line.rpartition(",")[2] for line in before) < month


def test_claim_shows_whether_it_holds():
    assert "| holds |" in results.claim_line(results.Claim("x", 1.1, 1.2))
    assert "does not hold" in results.claim_line(results.Claim("x", 1.3, 1.2))
    at_least = results.Claim("x", 11, 10, at_least=True)
    assert "| at least 10 | holds |" in results.claim_line(at_least)


def test_results_are_read_as_they_were_kept(tmp_path):
    costs = {"a": Cost(2.0, 3.0, 100.0), "b": Cost(2.0, 3.0, 100.0)}
    claims = [results.Claim("c", 1.0, 2.0)]
    part = results.Part("joins", "How fast?", 3, [results.Table("t", "a", costs)], claims, ["note"])
    results.keep(part, tmp_path)
    ((found, machine, _),) = results.read(tmp_path)
    assert found == part
    assert "cores" in machine and "/" not in machine.partition(";")[0]


def test_page_shows_the_kept_results():
    page = results.RESULTS_DIR / "README.md"
    assert page.read_text() == results.markdown(results.read())
