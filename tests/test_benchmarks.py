"""The benchmarks measure whole process trees, compare before they time, and show what they keep."""

import sys
from datetime import date

import duckdb
import pytest

pytest.importorskip("psutil", reason="only the benchmarks need it")

from benchmarks import floor, pipeline, results
from benchmarks.copies import check_equal
from benchmarks.measure import Cost, measure
from benchmarks.picture import picture
from warehouse.base.paths import PROJECT_DIR

CHILD = "import time; block = bytearray(200 * 2**20); t = time.process_time()\n"
CHILD += "while time.process_time() < t + 1: pass"


def test_a_cost_is_that_of_the_whole_process_tree():
    started = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '''{CHILD}'''])"
    cost = measure([sys.executable, "-c", started])
    assert cost.cpu_seconds > 0.9
    assert 200 < cost.peak_mb < 400


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said():
    with pytest.raises(SystemExit, match="no such thing"):
        measure([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_contenders_that_give_other_rows_are_not_timed(tmp_path):
    files = {name: tmp_path / f"{name}.parquet" for name in ("one", "same", "other")}
    with duckdb.connect() as con:
        for name, rows in (("one", "(1), (2)"), ("same", "(2), (1)"), ("other", "(1), (1)")):
            con.execute(f"copy (from (values {rows}) as t (x)) to '{files[name]}'")
    check_equal({name: files[name] for name in ("one", "same")})
    with pytest.raises(SystemExit, match="other gives 2 other rows of 2 than one"):
        check_equal(files)


def test_the_floor_makes_the_tables_that_the_run_made(tmp_path, sample_datamart):
    run = sample_datamart / "current"
    floor.plain_sql(run, tmp_path)
    made = sorted(path.relative_to(run) for path in run.glob("[gs]*/*.parquet"))
    assert made == sorted(path.relative_to(tmp_path) for path in tmp_path.glob("*/*.parquet"))
    for table in made:
        check_equal({"run": run / table, "floor": tmp_path / table})


def test_the_files_are_cut_after_a_month_and_keep_their_lines(tmp_path, data_dir):
    months = pipeline._cut(data_dir, tmp_path / "before", tmp_path / "after")
    assert months == 25
    for file in data_dir.glob("*.csv"):
        whole, before, after = (
            (folder / file.name).read_bytes().splitlines()
            for folder in (data_dir, tmp_path / "before", tmp_path / "after")
        )
        assert before[0] == after[0] == whole[0]
        assert set(before) <= set(after) <= set(whole)
    repayments = (tmp_path / "after" / "lms_loan_daily.csv").read_text().splitlines()[1:]
    lasts = [line.rpartition(",")[2] for line in repayments if len(line.rpartition(",")[2]) == 10]
    before = (tmp_path / "before" / "lms_loan_daily.csv").read_text()
    assert date.fromisoformat(max(lasts)).strftime(",%Y-%m-") not in before


def test_a_claim_says_whether_it_holds():
    assert "| holds |" in results.claim_line(results.Claim("x", 1.1, 1.2))
    assert "does not hold" in results.claim_line(results.Claim("x", 1.3, 1.2))
    assert "| at least 10 | holds |" in results.claim_line(
        results.Claim("x", 11, 10, at_least=True)
    )


def test_results_are_read_as_they_were_kept(tmp_path):
    cost = Cost(2.0, 3.0, 100.0)
    part = results.Part(
        "joins", "How fast?", 3, [results.Table("t", "a", {"a": cost, "b": cost})],
        [results.Claim("c", 1.0, 2.0)], ["a note"], {"a": [(1, 3.0), (10, 30.0)]},
    )  # fmt: skip
    results.keep(part, tmp_path)
    ((found, machine, _),) = results.read(tmp_path)
    assert found.tables == part.tables and found.claims == part.claims
    assert "cores" in machine and "/" not in machine.partition(";")[0]
    assert "x10" in picture([found])


def test_the_page_shows_the_results_that_are_kept():
    page = results.RESULTS_DIR / "README.md"
    assert page.read_text() == results.markdown(results.read())


def test_the_readme_gives_the_figures_that_are_kept():
    readme = " ".join((PROJECT_DIR / "README.md").read_text().split())
    kept = {part.name: part for part, _, _ in results.read()}
    names = {
        "warehouse": "this warehouse",
        "plain SQL": "plain SQL by hand, DuckDB",
        "DuckDB as-of join": "DuckDB's as-of join",
        "Feast, default": "Feast, default store",
        "Feast, DuckDB": "Feast, DuckDB store",
    }
    sizes = [table.costs for table in kept["joins"].tables]
    for name in sizes[0]:
        figures = [
            f" {costs[name].cpu_seconds:.2f} |" if name in costs else " |" for costs in sizes
        ]
        assert f"| {names.get(name, name)} |{''.join(figures)}" in readme
    first = kept["pipeline"].tables[0].costs["first run"].wall_seconds
    to_plain_sql, _, month, *_ = (claim.figure for claim in kept["pipeline"].claims)
    growth = kept["growth"].claims[0].figure
    to_bytes = next(c.figure for c in kept["growth"].claims if "gold at x100, CPU" in c.statement)
    for said in (
        f"takes {first:.0f} seconds, {to_plain_sql:.2f} times as long as a bare Spark landing",
        f"one more month after 24 takes {month:.2f} of a first run",
        f"A hundred times the rows cost {growth:.0f} times as much after start-up",
        f"silver and gold {to_bytes:.1f} times DuckDB's bare read",
    ):
        assert said in readme
