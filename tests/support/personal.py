"""Search files for names and SSNs of the input: in bytes, in a PDF's text, in parquet values."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb

from warehouse.base.catalog import quoted_text

MARKED_NAME, MARKED_SSN = "Zyxwvut Qponmlk", "987-65-4329"
ATTRIBUTES = "features_attributes.csv"
SSN = re.compile(r"\d{3}-?\d{2}-?\d{4}")
NAME = re.compile("[A-Za-z]+ [A-Za-z]+")
WORD = re.compile("[a-z]+")
NUMBERS = ("DOUBLE", "FLOAT", "INTEGER", "BIGINT")


def personal_values(folder: Path) -> list[str]:
    """Names of two words and SSNs of a file: long enough to be no other word by chance."""
    with duckdb.connect() as con:
        found = con.execute(
            "select distinct unnest([trim(Name), trim(SSN)]) from read_csv("
            f"{quoted_text(str(folder / ATTRIBUTES))}, header = true, all_varchar = true,"
            " null_padding = true, strict_mode = false)"
        ).fetchall()
    values = [value for (value,) in found if value]
    ssns = [value for value in values if len(value) == 11 and SSN.fullmatch(value)]
    names = [value for value in values if len(value) >= 9 and NAME.fullmatch(value)]
    assert len(ssns) > 100
    assert len(names) > 100
    return [*ssns, *names]


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


def content_of(path: Path) -> Iterator[str]:
    """What a file says: its bytes, of a PDF also its text, of parquet the values of its columns."""
    yield path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix == ".pdf" and shutil.which("pdftotext"):
        yield subprocess.run(
            ["pdftotext", path, "-"], check=True, capture_output=True
        ).stdout.decode()
    if path.suffix == ".parquet":
        yield from _values(path)


def _values(path: Path) -> Iterator[str]:
    """Yield the distinct texts of each column, and of all numbers those that could be an SSN."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(f"create view t as from read_parquet({quoted_text(str(path))})")
        kinds = {name: kind for name, kind, *_ in con.execute("describe t").fetchall()}
        numbers = ", ".join(
            f'"{name}"::double as "{name}"' for name, kind in kinds.items() if kind in NUMBERS
        )
        if numbers:
            values = f"unpivot (select {numbers} from t) on columns(*)"
            found = con.execute(
                f"select distinct value::bigint from ({values})"
                " where value between 1e6 and 999999999 and value = floor(value)"
            ).fetchall()
            yield "\n".join(str(value) for (value,) in found)
        for name, kind in kinds.items():
            if kind not in (*NUMBERS, "DATE", "BOOLEAN"):
                found = con.execute(f'select distinct "{name}"::varchar from t').fetchall()
                yield "\n".join(value for (value,) in found if value)


def beyond_bronze(datamart: Path) -> list[Path]:
    """Every file of a datamart but bronze and the CSVs; links are not followed."""
    return [
        path
        for path in datamart.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and "bronze" not in path.relative_to(datamart).parts[:3]
    ]
