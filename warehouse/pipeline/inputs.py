"""The code and engines that decide over the tables: a change of them builds all tables again."""

import hashlib
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from warehouse.base.paths import DBT_DIR, PROJECT_DIR

# The sub-packages whose code decides over the rows of the tables. A change elsewhere (report,
# notebook, command line ...) does not make the published tables out of date.
PACKAGES_OF_TABLES = ("base", "contracts", "spark", "landing", "transform")
ENGINES = ("dbt-core", "dbt-duckdb", "duckdb", "pyspark")
MADE_BY_DBT = ("target", "logs", "dbt_packages")


def code_hash() -> str:
    """Return the sha256 of the dbt project, of the code that makes tables, and of the engines."""
    digest = hashlib.sha256(repr(versions()).encode())
    for path in sorted(_files()):
        digest.update(str(path.relative_to(PROJECT_DIR)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and the engines."""
    return {"python": platform.python_version()} | {name: version(name) for name in ENGINES}


def _files() -> Iterator[Path]:
    for path in DBT_DIR.rglob("*"):
        parts = path.relative_to(DBT_DIR).parts
        is_hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and parts[0] not in MADE_BY_DBT and not is_hidden:
            yield path
    for package in PACKAGES_OF_TABLES:
        yield from (PROJECT_DIR / "warehouse" / package).rglob("*.py")
