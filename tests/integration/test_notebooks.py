"""The notebooks run top to bottom on the sample, in their own folder, with SQL cells and charts."""

import json
import re
import sys
import textwrap
from datetime import date

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.project import run_command
from warehouse.base.paths import PROJECT_DIR
from warehouse.notebook.connection import connect, tables

NOTEBOOKS = sorted((PROJECT_DIR / "notebooks").glob("*.ipynb"))
MACHINE_PATHS = re.compile(r"/(home|root|Users|tmp|work|project|var|private)/")
PERSONAL = re.compile(r"\b\d{3}-\d{2}-\d{4}\b|#F%\$D@\*&8")


def outputs_text(notebook) -> str:
    """All that the cells of a notebook have put out, pictures left out."""
    parts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image")}
            parts.append(json.dumps([data, output.get("text"), output.get("traceback")]))
    return "\n".join(parts)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_from_its_own_folder(path, sample_datamart, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("WAREHOUSE_DATAMART_DIR", str(sample_datamart))
    notebook = nbformat.read(path, 4)
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    said = outputs_text(notebook)
    assert not MACHINE_PATHS.search(said)
    assert '"name": "stderr"' not in json.dumps(notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebook_shows_its_outputs_and_nothing_private(path, sample):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    ran = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert ran == list(range(1, len(ran) + 1)), "not run top to bottom"
    text = path.read_text()
    assert not MACHINE_PATHS.search(outputs_text(notebook))
    assert not PERSONAL.search(text)
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    assert [name for (name,) in names if name and name in text] == []
    assert '"output_type": "error"' not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_picture_says_in_words_what_it_shows(path):
    for cell in nbformat.read(path, 4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            html = data.get("text/html", "")
            assert len(re.findall("<img ", html)) == len(re.findall('<img alt="[^"]{20,}"', html))
            if "image/png" in data:
                assert len(output.metadata["image/png"]["alt"]) > 20


def test_committed_notebooks_are_small():
    assert {
        path.name: path.stat().st_size for path in NOTEBOOKS if path.stat().st_size > 300_000
    } == {}


def test_helper_is_found_from_any_folder_and_ends_without_a_word(sample_datamart, tmp_path):
    code = (
        "from warehouse.notebook.connection import connect\n"
        f"con = connect({str(sample_datamart)!r})\n"
        "con.execute(\"select count(*) from features_as_of(date '2024-03-15')\")\n"
        "print(con.fetchone()[0] > 500)"
    )
    done = run_command(sys.executable, "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_tables_are_listed_with_their_rows(sample_datamart):
    listed = tables(connect(sample_datamart))
    assert listed.rows["gold.loan_applications"] == listed.rows["gold.feature_store"] > 0
    assert listed.description["gold.label_store"]


VEGA = "application/vnd.vegalite.v5+json"


def test_sql_cells_charts_and_completion_in_a_kernel(sample_datamart, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_DATAMART_DIR", str(sample_datamart))
    cells = [
        "from warehouse.notebook.connection import connect; con = connect(); con = connect()",
        "%%sql\nselect count(*) as n from gold.loan_applications where loan_id > 'a'::text",
        "df = %sql select 1 as x\nprint(type(df).__name__)",
        "%%chart bar\nselect split, count(*) from gold.training_set group by all order by all",
        textwrap.dedent("""
            from IPython.core.completer import provisionalcompleter
            text = "%%sql\\nselect * from gold.label_st"
            with provisionalcompleter():
                print([c.text for c in get_ipython().Completer.completions(text, len(text))])
        """),
        "%sqlplot histogram --table training_set --schema gold --column interest_rate",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(PROJECT_DIR)}}
    ).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert outputs[0] == []
    assert "text/html" in outputs[1][0].data
    assert outputs[2][0].text == "DataFrame\n"
    assert [output.data.keys() & {VEGA} for output in outputs[3]] == [{VEGA}]
    assert outputs[4][0].text == "['gold.label_store']\n"
    assert "image/png" in outputs[5][-1].data


def test_connection_gives_the_scoring_set_of_a_day(sample_datamart):
    with connect(sample_datamart) as con:
        rows, latest = con.execute(
            "select count(*), max(clickstream_snapshot_date) from features_as_of(date '2024-03-15')"
        ).fetchone()
    assert rows > 500
    assert latest == date(2024, 3, 1)
