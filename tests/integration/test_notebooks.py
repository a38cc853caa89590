"""The notebooks run top to bottom on the sample, in their own folder, with SQL cells and charts."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.project import run_command
from warehouse.base.paths import PROJECT_DIR

NOTEBOOKS = sorted((PROJECT_DIR / "notebooks").glob("*.ipynb"))
MACHINE_PATHS = re.compile(r"/(home|root|Users|tmp|work|project|var|private)/")
PERSONAL = re.compile(r"\b\d{3}-\d{2}-\d{4}\b|#F%\$D@\*&8")
VEGA = "application/vnd.vegalite.v5+json"
SQL_CELLS = (
    "from warehouse.notebook.connection import connect; con = connect(); con = connect()",
    "%%sql\nselect '{{name}}' as n from frame where 'a' > 'A'::text",
    "df = %sql select 1 as x\nprint(type(df).__name__)",
    "%%chart bar\nselect split, count(*) from gold.training_set group by all order by all",
    "from IPython.core.completer import provisionalcompleter\n"
    'text = "%%sql\\nselect * from gold.label_st"\n'
    "with provisionalcompleter():\n"
    "    print([c.text for c in get_ipython().Completer.completions(text, len(text))])",
    "%sql select nothing",
)


def outputs_text(cells) -> str:
    """All that cells have put out, pictures left out."""
    parts = []
    for output in (output for cell in cells for output in cell.get("outputs", [])):
        data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image")}
        parts.append(json.dumps([data, output.get("text"), output.get("traceback")]))
    return "\n".join(parts)


@pytest.fixture(scope="module")
def lab(sample_datamart, tmp_path_factory) -> Path:
    """Return a datamart of the published sample with a lab of its own."""
    root = tmp_path_factory.mktemp("datamart")
    (root / "current").symlink_to((sample_datamart / "current").resolve())
    return root


@pytest.fixture(scope="module")
def ran(lab):
    """Return the cells of all notebooks and SQL_CELLS, run one after the other in one kernel."""
    code = nbformat.v4.new_code_cell
    parts = {path.stem: nbformat.read(path, 4).cells for path in NOTEBOOKS}
    parts["sql"] = [code("name, frame = 'x', __import__('pandas').DataFrame({'y': [1]})")]
    parts["sql"] += [code(cell) for cell in SQL_CELLS]
    parts["sql"][-1].metadata["tags"] = ["raises-exception"]
    cells = [cell for part in parts.values() for cell in (code("%reset -f"), *part)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    folder = str(PROJECT_DIR / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONPATH", raising=False)
        patch.setenv("WAREHOUSE_DATAMART_DIR", str(lab))
        notebook = nbformat.v4.new_notebook(cells=cells)
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": folder}}).execute()
    return parts


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_from_its_own_folder(path, ran):
    assert not MACHINE_PATHS.search(outputs_text(ran[path.stem]))
    assert '"name": "stderr"' not in json.dumps(ran[path.stem])


def test_scores_are_kept_in_the_lab_and_judged_as_labels_mature(ran, lab):
    assert [path.name for path in (lab / "lab").iterdir()] == ["scores.parquet"]
    (performance,) = (
        cell for cell in ran["3_baseline_model"] if "performance.set_index" in cell.source
    )
    months = re.findall(r"^(\d{4}-\d{2})-01 ", performance.outputs[0].data["text/plain"], re.M)
    assert len(months) > 6
    assert months == sorted(set(months))


def test_sql_cells_charts_and_completion(ran):
    connected, table, frame, chart, completion, error = (cell.outputs for cell in ran["sql"][1:])
    assert connected == []
    assert "text/html" in table[0].data
    assert "x" in table[0].data["text/plain"]
    assert frame[0].text == "DataFrame\n"
    assert VEGA in chart[0].data
    assert completion[0].text == "['gold.label_store']\n"
    assert error[0].traceback[0].startswith("error: Binder Error")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebook_shows_its_outputs_and_nothing_private(path, sample):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    ran = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert ran == list(range(1, len(ran) + 1)), "not run top to bottom"
    text = path.read_text()
    assert len(text) < 300_000
    assert '"output_type": "error"' not in text
    assert not MACHINE_PATHS.search(outputs_text(notebook.cells))
    assert not PERSONAL.search(text)
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    assert [name for (name,) in names if name and name in text] == []
    for cell in notebook.cells:  # a picture comes with words for those who cannot see it
        for output in (output for output in cell.get("outputs", []) if "data" in output):
            images = [kind for kind in output.data if kind.startswith("image/")]
            assert not images or len(output.data["text/plain"]) > 5


def test_helper_is_found_from_any_folder_and_ends_without_a_word(sample_datamart, tmp_path):
    code = f"""
from warehouse.notebook.connection import connect, tables
con = connect({str(sample_datamart)!r})
listed = tables(con)
assert listed.rows["gold.loan_applications"] == listed.rows["gold.feature_store"] > 0
assert listed.description["gold.label_store"]
con.execute(
    "select count(*) > 500, max(clickstream_snapshot_date) from features_as_of(date '2024-03-15')"
)
print(*con.fetchone())"""
    done = run_command(sys.executable, "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True 2024-03-01\n", "")
