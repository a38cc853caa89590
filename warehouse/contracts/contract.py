"""The contracts of the source files, read from dbt's sources file and `vars: sources`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from warehouse.base.errors import UserError
from warehouse.base.paths import CONTRACTS_FILE, DBT_DIR

PARTITION = "snapshot_date"
BETWEEN = r"[^\w%'\"\\$]*"  # separators of a date format
# year, month and day, each once and in any order; then hours and minutes, seconds, fraction
DATE_FORMAT = re.compile(
    rf"(?=.*%m)(?=.*%d)(?!.*(%.).*\1){BETWEEN}%[Yymd]{BETWEEN}%[Yymd]{BETWEEN}%[Yymd]"
    rf"(((?<=%d)T|{BETWEEN})%H{BETWEEN}%M({BETWEEN}%S({BETWEEN}%f)?)?)?{BETWEEN}"
)
SETTINGS = (
    *("file", "key", "customer_column", "date_column", "date_format", "delay_days", "boundary"),
    *("max_age_days", "corrections", "months_column", "months_from"),
)
KINDS = {"key": list, "delay_days": int, "max_age_days": int}  # all others are texts
KIND_NAMES = {list: "a list", int: "a whole number", str: "a text"}
CHOICES = {
    "boundary": ("inclusive", "strict"),
    "corrections": ("as_known", "retroactive"),
}


@dataclass(frozen=True, kw_only=True)
class SourceContract:
    """The contract of a source: the form of its files, and when a row of them is known.

    `file` is a name or a glob pattern below the data folder. `columns` is in the order of the
    contract, without the provenance columns (`_...`). `key` is the key column and the date column.
    `date_format` is in strptime notation, a date or a date with a time. `delay_days` and
    `max_age_days` are whole days (`max_age_days` None: never too old). `months_column`, where
    there is one, counts the months from the date in `months_from` to the date of the row.
    `silver` is the table of silver made of the source, `group` its feature group, if it has one.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("Customer_ID", PARTITION)
    customer_column: str = "Customer_ID"
    date_column: str = PARTITION
    date_format: str = "%Y-%m-%d"
    delay_days: int = 0
    boundary: str = "inclusive"
    max_age_days: int | None = None
    corrections: str = "as_known"
    personal_columns: tuple[str, ...] = ()
    sensitive_columns: tuple[str, ...] = ()
    months_column: str | None = None
    months_from: str | None = None
    silver: str
    group: str | None = None

    @property
    def relation(self) -> str:
        """Its table of bronze, as SQL takes it."""
        return f'"bronze"."{self.name}"'

    @property
    def silver_relation(self) -> str:
        """Its table of silver, as SQL takes it."""
        return f'"silver"."{self.silver}"'

    @property
    def key_column(self) -> str:
        """The column of the key that is not the date."""
        return next(column for column in self.key if column != self.date_column)


def read_contracts(
    path: Path = CONTRACTS_FILE, project_file: Path = DBT_DIR / "dbt_project.yml"
) -> tuple[SourceContract, ...]:
    """Read the contracts of a dbt sources file, in its order; tables without `meta.file` have none.

    Each is completed by its line in `vars: sources` of the project file. Settings under the
    source's own `config: meta:` hold for every table that does not say otherwise, as in dbt.

    Raises:
        UserError: something is missing or not understood; names file, table and setting.
    """
    try:
        tables = [
            (table, {**_meta(source), **_meta(table)})
            for source in _load_yaml(path)["sources"]
            for table in source["tables"]
        ]
        names = [table["name"] for table, _ in tables]
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path}: expected `sources:` with `tables:`, each with a `name:` (dbt sources file)"
        ) from error
    if repeated := _repeated(names):
        raise UserError(f"{path}: table {repeated!r} is listed twice under `sources:`")
    tables = [(table, meta) for table, meta in tables if "file" in meta]
    if not tables:
        raise UserError(f"{path}: no table has `config: meta: file:`; declare at least one source")
    uses = _source_uses(project_file)
    for name in sorted({table["name"] for table, _ in tables} ^ set(uses)):
        where, other = (path, project_file) if name in uses else (project_file, path)
        raise UserError(
            f"{other}: the source {name!r} has no counterpart in {where}; a source has a table with"
            " `config: meta: file:` in the one and a line in `vars: sources` in the other"
        )
    return tuple(_contract(f"{path}: table {t['name']}", t, m, uses[t["name"]]) for t, m in tables)


def _load_yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the source contracts cannot be read: {error}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: the source contracts are not valid YAML: {reason}") from error


def _source_uses(project_file: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return `vars: sources`: by source, its silver table and feature group."""
    document = _load_yaml(project_file)
    uses = ((document or {}).get("vars") or {}).get("sources")
    if not isinstance(uses, dict) or not all(
        isinstance(use, dict) and isinstance(use.get("silver"), str) for use in uses.values()
    ):
        raise UserError(
            f"{project_file}: expected `vars: sources:` with a line"
            " `<source>: {silver: <table>, group: <feature group>}` for each source"
        )
    return uses


def _meta(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return (entry.get("config") or {}).get("meta") or {}


def _contract(
    where: str, table: Mapping[str, Any], meta: Mapping[str, Any], use: Mapping[str, Any]
) -> SourceContract:
    try:
        file_columns = [c for c in table["columns"] if not c["name"].startswith("_")]
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{where}: expected `columns:`, each with a `name:`") from error
    settings = {name: meta[name] for name in SETTINGS if meta.get(name) is not None}
    for name, value in settings.items():
        kind = KINDS.get(name, str)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(f"{where}: `{name}` is {value!r}, expected {KIND_NAMES[kind]}")
    if "key" in settings:
        settings["key"] = tuple(settings["key"])
    contract = SourceContract(
        name=table["name"],
        columns=tuple(column["name"] for column in file_columns),
        personal_columns=tuple(c["name"] for c in file_columns if _meta(c).get("personal")),
        sensitive_columns=tuple(c["name"] for c in file_columns if _meta(c).get("sensitive")),
        silver=use["silver"],
        group=use.get("group"),
        **settings,
    )
    if problem := next(_problems(contract), None):
        raise UserError(f"{where}: {problem}")
    return contract


def _problems(contract: SourceContract) -> Iterator[str]:
    """Yield what is wrong with the settings of a contract; each check may rely on those before."""
    lowered = [column.lower() for column in contract.columns]
    if repeated := _repeated(lowered):
        yield f"column {repeated!r} is listed twice under `columns:`"
    if len(contract.key) != 2 or contract.key.count(contract.date_column) != 1:
        yield f"`key` is {list(contract.key)!r}, expected a column and {contract.date_column!r}"
    if (contract.months_column is None) != (contract.months_from is None):
        yield "`months_column` and `months_from` are set together or not at all"
    for setting in ("key_column", "date_column", "customer_column", "months_column", "months_from"):
        column = getattr(contract, setting)
        if column is not None and column not in contract.columns:
            yield f"the `{setting}` {column!r} is not one of its columns"
    if PARTITION in lowered and contract.date_column != PARTITION:
        yield (
            f"a column called {PARTITION} must be the `date_column`, since bronze is partitioned by"
            " a column of this name"
        )
    for setting, choices in CHOICES.items():
        if (value := getattr(contract, setting)) not in choices:
            yield f"`{setting}` is {value!r}, expected {' or '.join(choices)}"
    if contract.delay_days < 0 or (contract.max_age_days or 0) < 0:
        yield "`delay_days` and `max_age_days` cannot be negative"
    file = PurePosixPath(contract.file)
    if file.is_absolute() or ".." in file.parts or not file.name or file.name[0] in "._":
        yield (
            f"`file` is {contract.file!r}, expected a name or pattern below the data folder that"
            " does not begin with . or _"
        )
    if not DATE_FORMAT.fullmatch(contract.date_format):
        yield (
            f"`date_format` is {contract.date_format!r}, expected year, month and day as %Y, %y, %m"
            " and %d with separators, such as %Y-%m-%d, and after them for a time of day %H:%M,"
            " %H:%M:%S or %H:%M:%S.%f"
        )


def _repeated(names: Sequence[str]) -> str | None:
    return min((name for name in names if names.count(name) > 1), default=None)
