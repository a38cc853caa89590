"""The exposures name what notebooks, report and deck really read: who is hit by a change, and where
sensitive values go, follows from them."""

import json
import re

import pytest
import yaml

from warehouse.base.layout import Datamart
from warehouse.base.paths import DBT_DIR, PROJECT_DIR
from warehouse.modelling.group_power import group_power
from warehouse.reporting import deck
from warehouse.reporting.report import build_report
from warehouse.reporting.tables import Tables, open_tables

CALL = re.compile(r"(?:source\('bronze', |ref\()'(\w+)'\)")
# What the models behind `group_power` read.
POWER = {"training_set", "loan_applications", "clickstream", "feature_catalog"}


@pytest.fixture(scope="module")
def declared():
    """Return the tables of each exposure, by the exposure's name."""
    content = yaml.safe_load((DBT_DIR / "models" / "gold" / "_exposures.yml").read_text())
    return {
        exposure["name"]: {CALL.fullmatch(call)[1] for call in exposure["depends_on"]}
        for exposure in content["exposures"]
    }


@pytest.fixture
def tables_read(monkeypatch):
    """Return the names of the tables that `Tables` is asked for and has."""
    read: set[str] = set()
    plain = Tables.__getitem__

    def recorded(self, name):
        rows = plain(self, name)
        if rows:
            read.add(name.partition(".")[2])
        return rows

    monkeypatch.setattr(Tables, "__getitem__", recorded)
    return read


def test_the_deck_reads_what_it_declares(declared, tables_read, sample_datamart, tmp_path):
    pytest.importorskip("typst", reason="the deck needs requirements/deck.in")
    datamart = Datamart(sample_datamart)
    run_dir = datamart.current_run()
    with open_tables(run_dir) as tables:
        models = group_power(run_dir)
        deck.deck_facts(tables, datamart.current_manifest(), None, models)
        deck.write_pictures(tables, models, tmp_path)
    assert tables_read | POWER == declared["deck"]


def test_the_report_reads_what_it_declares(declared, tables_read, sample_datamart):
    datamart = Datamart(sample_datamart)
    build_report(datamart.current_run(), datamart.current_manifest(), [], None)
    optional = {"knowledge_effects"}
    assert tables_read | POWER == declared["run_report"] - optional | (tables_read & optional)


def test_every_notebook_is_an_exposure_with_the_tables_of_its_cells(declared, sample):
    tables = {name for (name,) in sample.execute("select view_name from duckdb_views()").fetchall()}
    for path in sorted((PROJECT_DIR / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        named = set(re.findall(r"\b(?:bronze|silver|gold)\.(\w+)", code)) & tables
        assert named <= declared[path.stem.partition("_")[2]], path.name
