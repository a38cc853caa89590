"""The exposures name what notebooks, report and deck really read: who is hit by a change, and where
sensitive values go, follows from them."""

import json
import re

import duckdb
import pytest
import yaml

from warehouse.base.paths import DBT_DIR, PROJECT_DIR
from warehouse.datamart.runs import Datamart
from warehouse.reporting import deck, report

CALL = re.compile(r"(?:source\('bronze', |ref\()'(\w+)'\)")


class Recorder:
    """A connection that remembers the tables that it and its cursors were asked for."""

    def __init__(self, con, tables, read=None):
        self._con, self._known = con, tables
        self.read = set() if read is None else read

    def execute(self, sql, *parameters):
        if not sql.lstrip().startswith("create"):
            named = set(re.findall(r"\b(?:bronze|silver|gold)\.(\w+)", sql))
            self.read.update(named & self._known)
        return self._con.execute(sql, *parameters)

    def cursor(self):
        return Recorder(self._con.cursor(), self._known, self.read)

    def __getattr__(self, name):
        return getattr(self._con, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._con.close()


@pytest.fixture(scope="module")
def declared():
    """The tables of each exposure, by the exposure's name."""
    content = yaml.safe_load((DBT_DIR / "models" / "gold" / "_exposures.yml").read_text())
    return {
        exposure["name"]: {CALL.fullmatch(call)[1] for call in exposure["depends_on"]}
        for exposure in content["exposures"]
    }


@pytest.fixture
def tables(sample):
    return {name for (name,) in sample.execute("select view_name from duckdb_views()").fetchall()}


def test_the_deck_reads_what_it_says(declared, tables, sample, sample_datamart, tmp_path):
    pytest.importorskip("sklearn", reason="the deck's models need scikit-learn")
    datamart = Datamart(sample_datamart)
    con = Recorder(sample, tables)
    deck.write_pictures_and_facts(con, datamart, datamart.current_manifest(), tmp_path)
    assert con.read == declared["deck"]


def test_the_report_reads_what_it_says(declared, tables, sample_datamart, monkeypatch):
    datamart = Datamart(sample_datamart)
    con = Recorder(duckdb.connect(), tables)
    monkeypatch.setattr(report.duckdb, "connect", lambda: con)
    report.build_report(datamart.current_run(), datamart.current_manifest(), [])
    assert con.read == declared["run_report"]


def test_every_notebook_is_an_exposure_with_the_tables_of_its_cells(declared, tables):
    # what the functions of `queries` read for them is not seen here
    for path in sorted((PROJECT_DIR / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        named = set(re.findall(r"\b(?:bronze|silver|gold)\.(\w+)", code)) & tables
        assert named <= declared[path.stem.partition("_")[2]], path.name
