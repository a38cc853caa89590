"""The exposures name the tables that notebooks, report, deck and serving really read.

Who is hit by a change, and where sensitive values go, follows from them.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.base.paths import DBT_DIR, PROJECT_DIR

CONTENT = yaml.safe_load((DBT_DIR / "models" / "_exposures.yml").read_text())["exposures"]
CALL = re.compile(r"(?:source\('bronze', |ref\()'(\w+)'\)")
CODE = {".py", ".j2", ".ipynb"}


def known_tables() -> set[str]:
    """The models and the bronze tables of the project."""
    models = {path.stem for path in (DBT_DIR / "models").rglob("*.sql")}
    bronze = yaml.safe_load((DBT_DIR / "models" / "bronze" / "_bronze.yml").read_text())
    return models | {table["name"] for source in bronze["sources"] for table in source["tables"]}


def tables_in(paths: Iterable[str]) -> set[str]:
    """The tables that files, or the files of folders, name with their layer."""
    found = set()
    for path in (PROJECT_DIR / name for name in paths):
        assert path.exists(), path
        files = [path] if path.is_file() else [f for f in path.rglob("*") if f.suffix in CODE]
        for file in files:
            found |= set(re.findall(r"\b(?:bronze|silver|gold)\.(\w+)", code_of(file)))
    return found & known_tables()


def code_of(file: Path) -> str:
    """What a file runs: of a notebook its code cells, not what they showed."""
    text = file.read_text()
    if file.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("exposure", CONTENT, ids=lambda exposure: exposure["name"])
def test_an_exposure_depends_on_the_tables_that_its_code_reads(exposure: dict[str, Any]):
    declared = {CALL.fullmatch(call)[1] for call in exposure["depends_on"]}
    assert declared == tables_in(exposure["config"]["meta"]["read_by"])


def test_every_notebook_is_read_by_an_exposure():
    read_by = {path for exposure in CONTENT for path in exposure["config"]["meta"]["read_by"]}
    notebooks = {f"notebooks/{path.name}" for path in (PROJECT_DIR / "notebooks").glob("*.ipynb")}
    assert notebooks <= read_by
