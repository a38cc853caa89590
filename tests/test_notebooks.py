"""The notebooks run top to bottom on the sample, and the helpers they stand on do what they say."""

import json
import os
import re
import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path

import duckdb
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.modelling import baseline
from warehouse.notebook.connection import SqlCompleter, connect, draw, is_sql, tables
from warehouse.reporting import figures

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


@pytest.mark.parametrize(
    "folder", [PROJECT_DIR, PROJECT_DIR / "notebooks"], ids=["root", "notebooks"]
)
def test_the_helper_is_found_from_where_jupyterlab_is_started(folder, sample_datamart):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from warehouse.notebook.connection import connect; con = connect()",
        ],
        cwd=folder,
        env=environment | {"WAREHOUSE_DATAMART_DIR": str(sample_datamart)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


# The connection


def publish(root: Path, run_id: str, value: int) -> None:
    """Publish a run of one table, gold.numbers, as main.py does: one replaced link."""
    gold = root / "runs" / run_id / "gold"
    gold.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(f"copy (select {value} as x) to '{gold / 'numbers.parquet'}' (format parquet)")
    beside = root / "current.new"
    beside.symlink_to(Path("runs") / run_id)
    beside.replace(root / "current")


def test_a_reader_keeps_its_run_while_another_is_published(tmp_path):
    publish(tmp_path, "1", 1)
    con = connect(tmp_path)
    publish(tmp_path, "2", 2)
    assert con.execute("select x from gold.numbers").fetchall() == [(1,)]
    assert connect(tmp_path).execute("select x from gold.numbers").fetchall() == [(2,)]


def test_no_datamart_yet_is_said_clearly(tmp_path):
    with pytest.raises(UserError, match=r"run `python main.py` first"):
        connect(tmp_path / "nowhere")


def test_a_notebook_shows_an_error_of_the_user_as_one_line(tmp_path):
    with pytest.raises(UserError) as raised:
        connect(tmp_path)
    assert len(raised.value._render_traceback_()) == 1


def test_descriptions_of_the_run_are_comments(tmp_path):
    publish(tmp_path, "1", 1)
    told = {
        "gold.numbers": {
            "description": "The user's numbers.",
            "columns": {"x": "It's x", "gone": "?"},
        },
        "gold.not_built": {"description": "Absent.", "columns": {}},
    }
    (tmp_path / "runs" / "1" / "descriptions.json").write_text(json.dumps(told))
    con = connect(tmp_path)
    comment = con.execute("select comment from duckdb_columns() where column_name = 'x'").fetchone()
    assert comment == ("It's x",)
    assert tables(con).description["gold.numbers"] == "The user's numbers."


def test_tables_are_listed_with_their_rows(sample_datamart):
    listed = tables(connect(sample_datamart))
    assert listed.rows["gold.loan_applications"] == listed.rows["gold.feature_store"] > 0


# SQL cells

KNOWN = {"gold.label_store": ["loan_id", "label"], "silver.clickstream": ["customer_id", "fe_1"]}


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("select * from go", "go", "gold."),
        ("select * from gold.", "gold.", "gold.label_store"),
        ("select fe_ from silver.clickstream", "fe_", "fe_1"),
        ("select c.cust from silver.clickstream as c", "c.cust", "c.customer_id"),
        ("sel", "sel", "select"),
    ],
)
def test_completion_offers(text, word, expected):
    assert expected in [found for found, _ in SqlCompleter(KNOWN).suggestions(text, word)]


def test_completion_offers_only_columns_of_the_tables_named():
    found = [
        found for found, _ in SqlCompleter(KNOWN).suggestions("select l from gold.label_store", "l")
    ]
    assert {"loan_id", "label"} <= set(found)
    assert "fe_1" not in found


def test_completion_leaves_python_cells_alone():
    assert is_sql("%%sql\nselect ", 1)
    assert is_sql("x = 1\ndf = %sql select ", 1)
    assert not is_sql("x = 1\ndf = %sql select 1", 0)
    assert not is_sql("import os", 0)


def test_sql_cells_charts_and_completion_in_a_kernel(sample_datamart, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_DATAMART_DIR", str(sample_datamart))
    cells = [
        "from warehouse.notebook.connection import connect; con = connect(); con = connect()",
        "%%sql\nselect count(*) as n from gold.loan_applications where loan_id > 'a'::text",
        "df = %sql select 1 as x\nprint(type(df).__name__)",
        "%%chart bar\nselect split, count(*) from gold.training_set group by all order by all",
        textwrap.dedent("""
            from IPython.core.completer import provisionalcompleter
            text = "%%sql\\nselect * from gold.label_s"
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
    assert ["image/png" in output.data for output in outputs[3]] == [True]
    assert outputs[4][0].text == "['gold.label_store']\n"
    assert "image/png" in outputs[5][-1].data


@pytest.mark.parametrize("kind", ["line", "bar", "area", "scatter", "hist"])
def test_a_query_is_drawn(kind):
    with duckdb.connect() as con:
        axes = draw(con, "select i as x, i * i as y, -i as z from range(12) t(i)", kind)
    assert axes.has_data()
    assert axes.get_label().startswith(f"{kind} chart: y, z")


def test_bars_with_long_names_lie_on_their_side_and_dates_are_short():
    with duckdb.connect() as con:
        named = draw(con, "select 'a name that is long' as x, 2 as y", "bar")
        dated = draw(con, "select date '2024-01-01' as x, 2 as y", "bar")
    assert [tick.get_text() for tick in named.get_yticklabels()] == ["a name that is long"]
    assert [tick.get_text() for tick in dated.get_xticklabels()] == ["2024-01-01"]


def test_an_unknown_chart_and_an_empty_result_are_said_clearly():
    with duckdb.connect() as con:
        with pytest.raises(UserError, match="line, bar, area, scatter, hist"):
            draw(con, "select 1", "cake")
        with pytest.raises(UserError, match="no row"):
            draw(con, "select 1 as x, 2 as y where false")


# The baseline model


@pytest.fixture(scope="module")
def trained(sample_datamart):
    with connect(sample_datamart) as con:
        return baseline.train(con)


def test_every_tested_loan_comes_after_every_trained_one(trained):
    split = trained.split
    assert split.train.application_date.max() < split.test.application_date.min()
    assert split.test.has_clickstream.all()
    assert not split.test_without_clickstream.has_clickstream.any()


def test_labels_not_known_at_the_start_of_the_test_can_be_left_out(sample):
    split = baseline.split_by_date(baseline.load(sample), labels_known_by_test=True)
    assert split.train.label_date.max() <= split.test.application_date.min()


def test_models_beat_the_coin_but_not_the_future(trained):
    scores = baseline.summary(trained, resamples=100)
    assert scores.AUC.between(0.6, 0.96).all()
    assert (scores["AUC low"] < scores.AUC).all()
    assert (scores["AUC high"] > scores.AUC).all()
    assert scores.Gini.round(9).equals((2 * scores.AUC - 1).round(9))


def test_training_again_gives_the_same_scores(trained, sample):
    again = baseline.train(sample)
    for name, model in trained.models.items():
        first = baseline.default_risk(model, trained.split.test)
        second = baseline.default_risk(again.models[name], again.split.test)
        assert (first == second).all()


def test_evidence_is_nothing_without_a_month_and_grows_with_months(trained):
    loans = trained.split.train.head(2).copy()
    for counter in baseline.COUNTERS:
        loans[[f"{counter}_sum_all", f"{counter}_count_all"]] = [[None, None], [600, 2]]
    evidence = baseline.Evidence().fit(trained.split.train).transform(loans)
    assert (evidence[0] == 0).all()
    assert (evidence[1] > 0).all()


def test_tenths_hold_every_loan_once_riskiest_first():
    table = baseline.deciles([0, 1] * 50, [i / 100 for i in range(100)])
    assert table.loans.tolist() == [10] * 10
    assert table.predicted.is_monotonic_decreasing
    assert table["share of all defaults"].iloc[-1] == 1


def test_scorecard_points_add_up_to_the_score(trained):
    model = trained.models["scorecard"]
    table = baseline.points(model)
    assert table.points.iloc[0] == table[table.factor == "start"].points.item()
    assert set(baseline.NUMBERS + baseline.CATEGORIES + baseline.COUNTERS) <= set(table.factor)


def test_a_leaky_join_shows_a_better_score_than_the_right_one(sample):
    from sklearn.metrics import roc_auc_score

    sample.execute(
        "create view whole_history as select loans.loan_id, clickstream.*"
        " from gold.loan_applications as loans inner join silver.clickstream as clickstream"
        " on loans.customer_id = clickstream.customer_id"
    )
    split = baseline.split_by_date(baseline.load(sample))
    leaky = baseline.judge(sample, baseline.Boosting(), split, "whole_history")
    model = baseline.Boosting().fit(split.train, split.train.label)
    honest = roc_auc_score(split.test.label, baseline.default_risk(model, split.test))
    assert leaky["shown"] > honest
    assert leaky["shown"] > leaky["kept"]
    assert leaky["lower"] < leaky["shown"] < leaky["upper"]


@pytest.mark.long
def test_the_real_set_reaches_the_score_it_is_known_for(tmp_path):
    data = Path(os.environ.get("WAREHOUSE_REAL_DATA", PROJECT_DIR.parent / "shared" / "data"))
    if not (data / "lms_loan_daily.csv").is_file():
        pytest.skip(f"the real set is not in {data}; name its folder in WAREHOUSE_REAL_DATA")
    command = [sys.executable, PROJECT_DIR / "main.py", "--data-dir", data]
    subprocess.run([*command, "--datamart-dir", tmp_path / "datamart"], check=True)
    with connect(tmp_path / "datamart") as con:
        result = baseline.train(con)
    assert f"{result.split.test.application_date.min():%Y-%m}" == "2024-02"
    assert f"{result.split.test.application_date.max():%Y-%m}" == "2024-06"
    scores = baseline.summary(result).AUC
    assert 0.94 <= scores["gradient boosting", "with clickstream"] < 0.96
    assert 0.94 <= scores["scorecard", "with clickstream"] < 0.96
    assert scores["gradient boosting", "without clickstream"] < 0.85


def test_pictures_of_the_models_say_what_the_models_score(trained):
    test = trained.split.test
    risk = baseline.default_risk(trained.models["scorecard"], test)
    label = test.label.to_numpy()
    scores = baseline.summary(trained, resamples=10).loc["scorecard", "with clickstream"]
    assert f"scorecard: AUC {scores.AUC:.3f}" in figures.roc(
        {"scorecard": baseline.roc(label, risk)}
    )
    assert f"KS {scores.KS:.2f}" in figures.ks(baseline.found(label, risk))
    tenths = baseline.deciles(label, risk).reset_index().to_dict("records")
    assert figures.calibration({"scorecard": tenths}).count("<circle") == 10
    assert f">{tenths[0]['lift']:.1f}<" in figures.lift(tenths)
    lost = baseline.importance(trained.models["scorecard"], test, repeats=1)
    assert lost.lost.is_monotonic_decreasing
    assert lost.factor[0] in figures.importance(lost.head(5).to_dict("records")).label


def test_found_shares_of_defaults_and_repaid_loans_make_the_share_of_all():
    rows = baseline.found(np.array([1, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.7, 0.2, 0.1]))
    assert rows[-1] == {"share": 1.0, "defaults": 1.0, "repaid": 1.0}
    assert {"share": 0.2, "defaults": 0.5, "repaid": 0.0} in rows


def test_caught_counts_the_riskiest_part():
    label, score = np.array([1, 1, 0, 0, 1] * 2), np.arange(10)[::-1]
    assert baseline.caught(label, score, 0.3) == (pytest.approx(2 / 6), pytest.approx(2 / 3))


def test_the_connection_gives_the_scoring_set_of_a_day(sample_datamart):
    with connect(sample_datamart) as con:
        rows, latest = con.execute(
            "select count(*), max(clickstream_snapshot_date) from features_as_of(date '2024-03-15')"
        ).fetchone()
    assert rows > 500
    assert latest == date(2024, 3, 1)
