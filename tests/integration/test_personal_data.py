"""Name and SSN stop at bronze: the values of the input are looked for in every byte beyond it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from tests.support.compiled import compiled
from warehouse.base.paths import DATA_DIR, DBT_DIR, PROJECT_DIR

MARKED_NAME, MARKED_SSN = "Zyxwvut Qponmlk", "987-65-4329"
ATTRIBUTES = "features_attributes.csv"
SSN = re.compile(r"\d{3}-?\d{2}-?\d{4}")
WORD = re.compile("[a-z]+")
# what is made of data and kept in the project, beside the datamart
PAGES = ("notebooks", "deck", "README.md", "Readme.txt", "dbt_project/models", "benchmarks")


def personal_values(folder: Path) -> list[str]:
    """Names of two words and SSNs of a file: long enough to be no other word by chance."""
    path = str(folder / ATTRIBUTES).replace("'", "''")
    with duckdb.connect() as con:
        found = con.execute(
            "select distinct unnest([trim(Name), trim(SSN)]) as value from read_csv("
            f"'{path}', header = true, all_varchar = true, null_padding = true,"
            " strict_mode = false)"
        ).fetchall()
    values = [value for (value,) in found if value]
    ssns = [v for v in values if len(v) == 11 and v.replace("-", "").isdigit()]
    names = [v for v in values if re.fullmatch("[A-Za-z]+ [A-Za-z]+", v) and len(v) >= 9]
    assert len(ssns) > 100
    assert len(names) > 100
    return [*ssns, *names]


def content_of(path: Path) -> Iterator[str]:
    """What a file says: its bytes, of a PDF also its text, of parquet each value of each column."""
    yield path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix == ".pdf" and shutil.which("pdftotext"):
        said = subprocess.run(["pdftotext", path, "-"], check=True, capture_output=True)
        yield said.stdout.decode()
    if path.suffix == ".parquet":
        with duckdb.connect(config={"threads": 1}) as con:
            con.execute(
                f"create view t as from read_parquet('{str(path).replace(chr(39), chr(39) * 2)}')"
            )
            for name, kind, *_ in con.execute("describe t").fetchall():
                if kind not in ("DATE", "BOOLEAN"):
                    text = "cast(value as bigint)" if kind in NUMBERS else "value"
                    yield (
                        con.execute(
                            f"select string_agg({text}::varchar, '\n') from"
                            f' (select distinct "{name}" as value from t) {where_nine_digits(kind)}'
                        ).fetchone()[0]
                        or ""
                    )


NUMBERS = ("DOUBLE", "FLOAT", "INTEGER", "BIGINT")


def where_nine_digits(kind: str) -> str:
    """Of numbers only those that could be an SSN without its signs."""
    return (
        "where value between 1e6 and 999999999 and value = floor(value)" if kind in NUMBERS else ""
    )


def beyond_bronze(datamart: Path) -> list[Path]:
    """Every file of a datamart but bronze and the CSVs; links are not followed."""
    return [
        path
        for path in datamart.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and "bronze" not in path.relative_to(datamart).parts[:3]
    ]


def leaks(paths: list[Path], values: list[str]) -> list[str]:
    """Which files hold one of the values, in any case of letters, with or without its signs."""
    ssns = {value.replace("-", "") for value in values if value[0].isdigit()}
    names = {tuple(value.lower().split()) for value in values if not value[0].isdigit()}
    found = []
    for path in paths:
        for text in content_of(path):
            numbers = (number.replace("-", "") for number in SSN.findall(text))
            words = WORD.findall(text.lower())
            if not ssns.isdisjoint(numbers) or not names.isdisjoint(pairwise(words)):
                found.append(str(path))
                break
    return found


def test_a_leak_is_found(tmp_path):
    """The search itself, where there is something to find."""
    (tmp_path / "page.html").write_text(f"<b>{MARKED_NAME.upper()}</b>")
    (tmp_path / "log.txt").write_text(f"row {MARKED_SSN.replace('-', '')}")
    (tmp_path / "clean.txt").write_text("nobody")
    with duckdb.connect() as con:
        con.execute(
            f"copy (select ['a', '{MARKED_SSN}'] as list) to '{tmp_path}/t.parquet'"
            " (format parquet, compression zstd)"
        )
        con.execute(
            f"copy (select {MARKED_SSN.replace('-', '')}::double as number)"
            f" to '{tmp_path}/number.parquet' (format parquet)"
        )
    expected = ["log.txt", "number.parquet", "page.html", "t.parquet"]
    if shutil.which("pdftotext"):
        typst = pytest.importorskip("typst")
        (tmp_path / "slide.typ").write_text("#sys.inputs.name")
        inputs = {"name": MARKED_NAME}
        typst.compile(tmp_path / "slide.typ", tmp_path / "slide.pdf", sys_inputs=inputs)
        expected.append("slide.pdf")
    found = leaks(sorted(tmp_path.iterdir()), [MARKED_NAME, MARKED_SSN])
    assert [Path(path).name for path in found] == sorted(expected)


def test_no_name_and_no_ssn_of_the_sample_leaves_bronze(sample_datamart):
    paths = beyond_bronze(sample_datamart)
    kinds = {path.suffix for path in paths}
    assert {".parquet", ".json", ".log", ".html", ".sql"} <= kinds
    assert leaks(paths, personal_values(DATA_DIR)) == []


def test_the_pages_of_the_project_hold_none_either():
    paths = []
    for page in PAGES:
        root = PROJECT_DIR / page
        paths += [path for path in [root, *root.rglob("*")] if path.is_file()]
    assert leaks(paths, personal_values(DATA_DIR)) == []


SENSITIVE = {"age", "occupation"}
HOLD_SENSITIVE = {
    "bronze.features_attributes",
    "silver.customer_attributes",
    "gold.attributes_features",
    "gold.feature_store",
    "gold.training_set",
}


def test_sensitive_columns_are_where_the_catalogue_says(sample):
    """In the catalogue: every table that holds one, and every exposure that reads such a table."""
    tables = {
        f"{schema}.{table}"
        for schema, table in sample.execute(
            "select distinct table_schema, table_name from information_schema.columns"
            " where table_schema in ('bronze', 'silver', 'gold') and lower(column_name) in $1",
            [list(SENSITIVE)],
        ).fetchall()
    }
    assert tables == HOLD_SENSITIVE
    manifest = compiled().manifest
    holding = {
        key
        for key, node in (manifest.nodes | manifest.sources).items()
        if f"{node.schema}.{node.name}" in HOLD_SENSITIVE
    }
    readers = {
        exposure.label
        for exposure in manifest.exposures.values()
        if holding & set(exposure.depends_on.nodes)
    }
    assert {"A baseline credit model", "Online feature serving"} <= readers
    listed = dict(
        sample.execute(
            "select feature, sensitive_uses from gold.feature_catalog where len(sensitive_uses) > 0"
        ).fetchall()
    )
    assert set(listed) == SENSITIVE
    for uses in listed.values():
        assert set(uses) == HOLD_SENSITIVE | readers


PLANTED = {
    "an_ssn": ("select 'see 123-45-6789' as note", "has a text that looks like an SSN"),
    "a_list": ("select ['987-65-4321'] as notes", "has a text that looks like an SSN"),
    "a_name": ("select 1 as customer_name", "has a column customer_name"),
    "clean": ("select true as is_ssn_valid, '12-34-5678' as note, '2024-01-01' as day", None),
}


def test_every_model_is_held_against_personal_data(tmp_path):
    """Also one that nobody told the guard of: it is a hook of the whole project."""
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_DIR, project, ignore=shutil.ignore_patterns("target", "logs", "tests"))
    for layer in ("silver", "gold"):
        shutil.rmtree(project / "models" / layer)
    (project / "models" / "_exposures.yml").unlink()
    (project / "models" / "gold").mkdir()
    for name, (sql, _) in PLANTED.items():
        (project / "models" / "gold" / f"{name}.sql").write_text(sql)
    options = ["--project-dir", project, "--profiles-dir", project, "--target", "run"]
    options += ["--vars", json.dumps({"run_dir": str(tmp_path / "run"), "memory_limit": None})]
    options += ["--log-level", "none", "--log-level-file", "none"]
    outcome = dbtRunner().invoke(["run", *map(str, options)])
    messages = {
        result.node.name: result.message
        for result in outcome.result
        if result.node.resource_type == "model"
    }
    assert set(messages) == set(PLANTED)
    for name, (_, problem) in PLANTED.items():
        assert (f"gold.{name} {problem}" in messages[name]) if problem else "OK" in messages[name]
