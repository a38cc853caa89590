"""The contracts of the source files, read from dbt's bronze sources file and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.base.errors import UserError

BOUNDARIES = ("inclusive", "strict")
DATE_DIRECTIVES = ("%Y", "%y", "%m", "%d")


@dataclass(frozen=True)
class SourceContract:
    """What a source file must look like, and when a row of it counts as known.

    `columns` is in the order of the contract, without the provenance columns (`_...`).
    `date_format` is in strptime notation, `delay_days` and `max_age_days` are whole days
    (`max_age_days` None: never too old), `boundary` is `inclusive` or `strict`.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    date_column: str
    date_format: str
    delay_days: int
    boundary: str
    max_age_days: int | None
    personal_columns: tuple[str, ...]


def read_contracts(path: Path) -> tuple[SourceContract, ...]:
    """The contracts in a dbt sources file, in its order; tables without `meta.file` have none.

    Raises UserError, naming file, table and setting, for anything missing or not understood.
    """
    tables = _source_tables(path)
    contracts = tuple(_contract(path, table) for table in tables if "file" in _meta(table))
    if not contracts:
        raise UserError(f"{path}: no table has `config: meta: file:`; declare at least one source")
    return contracts


def _source_tables(path: Path) -> list[Mapping[str, Any]]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the source contracts cannot be read: {error}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: the source contracts are not valid YAML: {reason}") from error
    try:
        tables = [table for source in document["sources"] for table in source["tables"]]
        names = [table["name"] for table in tables]
    except (TypeError, KeyError) as error:
        raise UserError(
            f"{path}: expected `sources:` with `tables:`, each with a `name:` (dbt sources file)"
        ) from error
    _refuse_repeats(path, "sources", "table", names)
    return tables


def _meta(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return (entry.get("config") or {}).get("meta") or {}


def _contract(path: Path, table: Mapping[str, Any]) -> SourceContract:
    where, meta = f"{path}: table {table['name']}", _meta(table)
    try:
        file_columns = [c for c in table["columns"] if not c["name"].startswith("_")]
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{where}: expected `columns:`, each with a `name:`") from error
    columns = tuple(column["name"] for column in file_columns)
    contract = SourceContract(
        name=table["name"],
        file=_setting(where, meta, "file", str),
        columns=columns,
        key=tuple(_setting(where, meta, "key", list)),
        date_column=_setting(where, meta, "date_column", str),
        date_format=_setting(where, meta, "date_format", str),
        delay_days=_setting(where, meta, "delay_days", int),
        boundary=_setting(where, meta, "boundary", str),
        max_age_days=_setting(where, meta, "max_age_days", int | None),
        personal_columns=tuple(c["name"] for c in file_columns if _meta(c).get("personal")),
    )
    _check(where, contract)
    return contract


def _setting(where: str, meta: Mapping[str, Any], name: str, kind: Any) -> Any:
    """One setting of `config: meta:`, of the kind asked for."""
    if name not in meta:
        raise UserError(f"{where}: `config: meta:` has no `{name}`")
    value = meta[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        expected = getattr(kind, "__name__", str(kind))
        raise UserError(f"{where}: `{name}` is {value!r}, expected {expected}")
    return value


def _check(where: str, contract: SourceContract) -> None:
    _refuse_repeats(where, "columns", "column", [c.lower() for c in contract.columns])
    if contract.boundary not in BOUNDARIES:
        raise UserError(
            f"{where}: `boundary` is {contract.boundary!r}, expected {' or '.join(BOUNDARIES)}"
        )
    if contract.delay_days < 0 or (contract.max_age_days or 0) < 0:
        raise UserError(f"{where}: `delay_days` and `max_age_days` cannot be negative")
    unknown = [c for c in (*contract.key, contract.date_column) if c not in contract.columns]
    if unknown:
        raise UserError(f"{where}: key or date column {unknown[0]!r} is not one of its columns")
    if len(contract.key) != 2 or contract.date_column not in contract.key:
        raise UserError(
            f"{where}: `key` is {list(contract.key)!r}, expected a column and"
            f" {contract.date_column!r}"
        )
    _check_date_format(where, contract.date_format)


def _check_date_format(where: str, date_format: str) -> None:
    rest = date_format
    for directive in DATE_DIRECTIVES:
        rest = rest.replace(directive, "", 1)
    parts = [any(d in date_format for d in ds) for ds in (("%Y", "%y"), ("%m",), ("%d",))]
    if not all(parts) or any(c.isalnum() or c in "%'\"" for c in rest):
        raise UserError(
            f"{where}: `date_format` is {date_format!r}, expected year, month and day as "
            f"{', '.join(DATE_DIRECTIVES)} with separators, such as %Y-%m-%d"
        )


def _refuse_repeats(where: object, block: str, kind: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(f"{where}: {kind} {repeated[0]!r} stands twice under `{block}:`")
