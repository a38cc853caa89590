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

from tests.loads_support import Compiled
from warehouse.base.catalog import attach
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


@pytest.fixture(scope="module")
def dbt_manifest(tmp_path_factory) -> dict:
    from dbt.cli.main import dbtRunner

    target = tmp_path_factory.mktemp("target")
    options = ["--project-dir", DBT_DIR, "--profiles-dir", DBT_DIR, "--target-path", target]
    options += ["--log-level", "none", "--log-level-file", "none"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WAREHOUSE_HOME", str(PROJECT_DIR))
        assert dbtRunner().invoke(["parse", *map(str, options)]).success
    return json.loads((target / "manifest.json").read_text())


SENSITIVE = {"age", "occupation"}
USERS_OF_SENSITIVE = {
    "silver.customer_attributes",
    "gold.attributes_features",
    "gold.feature_store",
    "gold.training_set",
}


def columns_of(manifest: dict) -> Iterator[tuple[str, str, dict]]:
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    for node in nodes:
        if node["resource_type"] in ("model", "source"):
            for column in node["columns"].values():
                meta = column.get("config", {}).get("meta") or column.get("meta") or {}
                yield f"{node['schema']}.{node['name']}", column["name"], meta


def test_sensitive_columns_are_marked_wherever_they_stand(dbt_manifest, sample):
    marked = {
        (table, column.lower())
        for table, column, meta in columns_of(dbt_manifest)
        if meta.get("sensitive")
    }
    there = {
        (f"{schema}.{table}", column)
        for schema, table, column in sample.execute(
            "select table_schema, table_name, lower(column_name) from information_schema.columns"
            " where table_schema in ('bronze', 'silver', 'gold')"
        ).fetchall()
        if column in SENSITIVE
    }
    assert there == marked
    assert {table for table, _ in marked} - {"bronze.features_attributes"} == USERS_OF_SENSITIVE


def test_what_uses_a_sensitive_column_is_listed(dbt_manifest, sample):
    """In the catalogue: every table that holds it, and every exposure that reads such a table."""
    holding = {
        key
        for key, node in (dbt_manifest["nodes"] | dbt_manifest["sources"]).items()
        if f"{node['schema']}.{node['name']}" in USERS_OF_SENSITIVE | {"bronze.features_attributes"}
    }
    readers = {
        exposure["label"]
        for exposure in dbt_manifest["exposures"].values()
        if holding & set(exposure["depends_on"]["nodes"])
    }
    assert "A baseline credit model" in readers
    listed = dict(
        sample.execute(
            "select feature, sensitive_uses from gold.feature_catalog where len(sensitive_uses) > 0"
        ).fetchall()
    )
    assert set(listed) == SENSITIVE
    for uses in listed.values():
        assert set(uses) == USERS_OF_SENSITIVE | {"bronze.features_attributes"} | readers


def test_the_project_s_own_test_looks_through_every_table(sample_datamart, dbt_manifest):
    sql = Compiled(sample_datamart).tests["no_personal_data_leaves_bronze"]
    models = {n["name"] for n in dbt_manifest["nodes"].values() if n["resource_type"] == "model"}
    assert "not looked through" not in sql
    assert models
    with duckdb.connect() as con:
        attach(con, sample_datamart / "current")
        assert con.execute(sql).fetchall() == []


def test_the_project_s_own_test_finds_what_looks_like_an_ssn(sample_datamart):
    sql = Compiled(sample_datamart).tests["no_personal_data_leaves_bronze"]
    with duckdb.connect() as con:
        attach(con, sample_datamart / "current")
        con.execute("create table plain as from silver.quarantine")
        for text, findings in (("12-34-5678", []), ("see 123-45-6789", ["a value like an SSN"])):
            con.execute(f"create or replace view silver.quarantine as {planted('reason', text)}")
            found = con.execute(sql).fetchall()
            assert found == [("quarantine", finding) for finding in findings]


def planted(column: str, text: str) -> str:
    return f"select * replace ('{text}' as {column}) from plain"
