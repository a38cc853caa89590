"""Name and SSN stop at bronze: the values of the input are looked for in every byte beyond it."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.support.personal import (
    MARKED_NAME,
    MARKED_SSN,
    beyond_bronze,
    leaks,
    personal_values,
)
from tests.support.project import project_files
from warehouse.base.paths import DATA_DIR, PROJECT_DIR

# files made of data that the project keeps outside the datamart
PAGES = ("notebooks", "deck", "README.md", "Readme.txt", "dbt_project/models", "benchmarks")


def test_a_leak_is_found(tmp_path):
    """The search itself, where there is something to find."""
    digits = MARKED_SSN.replace("-", "")
    (tmp_path / "page.html").write_text(f"<b>{MARKED_NAME.upper()}</b>")
    (tmp_path / "log.txt").write_text(f"row {digits}")
    (tmp_path / "clean.txt").write_text("nobody")
    for name, value in (("list", f"['a', '{MARKED_SSN}']"), ("number", f"{digits}::double")):
        duckdb.execute(
            f"copy (select {value} as x) to '{tmp_path / name}.parquet' (format parquet)"
        )
    expected = ["list.parquet", "log.txt", "number.parquet", "page.html"]
    if shutil.which("pdftotext"):
        typst = pytest.importorskip("typst")
        (tmp_path / "slide.typ").write_text("#sys.inputs.name")
        inputs = {"name": MARKED_NAME}
        typst.compile(tmp_path / "slide.typ", tmp_path / "slide.pdf", sys_inputs=inputs)
        expected.append("slide.pdf")
    found = leaks(sorted(tmp_path.iterdir()), [MARKED_NAME, MARKED_SSN])
    assert [Path(path).name for path in found] == sorted(expected)


def test_no_name_and_no_ssn_of_the_sample_is_beyond_bronze_or_in_the_project(sample_datamart):
    paths = beyond_bronze(sample_datamart)
    assert {".parquet", ".json", ".log", ".html", ".sql"} <= {path.suffix for path in paths}
    paths += [PROJECT_DIR / name for name in project_files() if str(name).startswith(PAGES)]
    assert leaks(paths, personal_values(DATA_DIR)) == []
