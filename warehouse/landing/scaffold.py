"""Writes a first contract, line of `vars: sources` and silver model for a file of a new source."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from warehouse.base.errors import UserError
from warehouse.base.paths import DATA_DIR, DBT_DIR
from warehouse.contracts.contract import read_contracts
from warehouse.landing.dates import has_time
from warehouse.landing.guesses import Column, Guess, guess_source, reserved_words, snake_case

CONTRACTS = Path("models/bronze/_bronze.yml")
PROJECT = Path("dbt_project.yml")
SILVER = Path("models/silver")
PROVENANCE = (
    "source_file", "row_number", "load_id", "landed_at", "malformed_line", "snapshot_date_text",
)  # fmt: skip
KINDS = {"text": "a text", "integer": "a whole number", "decimal": "a number", "date": "a date"}


@dataclass(frozen=True)
class Scaffold:
    """The result: the source's name, the files, and what a person must look at."""

    name: str
    files: tuple[Path, ...]
    checks: tuple[str, ...]


def new_source(
    path: Path, name: str | None = None, dbt_dir: Path = DBT_DIR, data_dir: Path = DATA_DIR
) -> Scaffold:
    """Write the first contract, line and silver model of a source from one of its files.

    name is by default the file's, without a date or number at its end. Nothing that is there is
    overwritten; where something is refused nothing is written.

    Raises:
        UserError: the file or the name will not do, or the project has a source or model so called.
    """
    guess = guess_source(path)
    name = name or _name_of(path)
    _check_name(name, dbt_dir)
    contracts = (dbt_dir / CONTRACTS).read_text(encoding="utf-8").rstrip("\n") + "\n"
    values: dict[str, Any] = {
        "name": name,
        "file": _file_setting(path, data_dir),
        "guess": guess,
        "entity": _entity(guess),
        "kept": _kept(guess),
        "numbers": [column for column in _kept(guess) if column.kind in ("integer", "decimal")],
        "event_moment": _event_moment(guess),
        "kinds": KINDS,
        "anchors": [anchor for anchor in PROVENANCE if f"&{anchor}\n" in contracts],
    }
    changed = {
        CONTRACTS: contracts + _render("contract.yml.j2", values),
        PROJECT: _with_line(dbt_dir / PROJECT, name),
    }
    _check_project(changed)
    added = {
        SILVER / f"{name}.sql": _render("silver.sql.j2", values),
        SILVER / f"{name}.yml": _render("silver.yml.j2", values),
    }
    for file, text in {**changed, **added}.items():
        (dbt_dir / file).write_text(text, encoding="utf-8")
    files = tuple(dbt_dir / file for file in (*changed, *added))
    return Scaffold(name, files, tuple(_checks(path, data_dir, guess)))


def _name_of(path: Path) -> str:
    stem = snake_case(re.sub(r"\.csv(\.gz)?$", "", path.name, flags=re.IGNORECASE))
    return re.sub(r"(_\d+)+$", "", stem)


def _check_name(name: str, dbt_dir: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in reserved_words():
        raise UserError(
            f"{name!r} cannot be the name of a source: expected lower-case letters, digits and _;"
            " choose another with --name"
        )
    contracts = read_contracts(dbt_dir / CONTRACTS, dbt_dir / PROJECT)
    if name in {contract.name for contract in contracts}:
        raise UserError(
            f"{dbt_dir / CONTRACTS}: there is a source {name!r} already, which is left as it is;"
            " choose another name with --name"
        )
    there = [*(dbt_dir / "models").rglob(f"{name}.sql"), *(dbt_dir / SILVER).glob(f"{name}.yml")]
    if there:
        raise UserError(f"{there[0]} is there already, and left as it is; choose another --name")


def _file_setting(path: Path, data_dir: Path) -> str:
    file, folder = path.resolve(), data_dir.resolve()
    relative = file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)
    return re.sub(r"([*?\[])", r"[\1]", relative.as_posix())


def _with_line(path: Path, name: str) -> str:
    """Return the project file with a line for the source at the end of `vars: sources`."""
    text = path.read_text(encoding="utf-8")
    block = re.search(r"^  sources:\n(    \S.*\n)*", text, re.MULTILINE)
    if not block:
        raise UserError(f"{path}: expected a line `  sources:` below `vars:`, found none; add one")
    return f"{text[: block.end()]}    {name}: {{silver: {name}}}\n{text[block.end() :]}"


def _check_project(changed: Mapping[Path, str]) -> None:
    """Raise unless the contracts can be read as they are going to be."""
    with TemporaryDirectory() as folder:
        for file, text in changed.items():
            (Path(folder) / file.name).write_text(text, encoding="utf-8")
        try:
            read_contracts(Path(folder) / CONTRACTS.name, Path(folder) / PROJECT.name)
        except UserError as error:
            reason = str(error).replace(f"{folder}/", "")
            raise UserError(f"nothing was written, for the contract is not valid: {reason}") from (
                error
            )


def _render(template: str, values: Mapping[str, Any]) -> str:
    """Fill in a template; its marks are [[ ]] and [% %], so that those of dbt stay as they are."""
    environment = Environment(
        loader=PackageLoader("warehouse.landing", "."),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"yml": _yml, "raw": _raw, "value": _value}
    return environment.get_template(template).render(values)


def _kept(guess: Guess) -> list[Column]:
    """Return the columns that silver takes over: neither key, customer, date nor personal ones."""
    others = (guess.key, guess.customer, guess.date)
    return [column for column in guess.columns if column not in others and not column.is_personal]


def _entity(guess: Guess) -> str:
    return "customer_id" if guess.key == guess.customer else guess.key.silver_name


def _raw(column: Column) -> str:
    """Return the column of the file as an argument of a macro."""
    is_plain = re.fullmatch(r"[A-Za-z]\w*", column.name, re.ASCII)
    if is_plain and column.name.lower() not in reserved_words():
        return f"'{column.name}'"
    return f"quoted_name('{column.name}')"


def _value(column: Column) -> str:
    """Return the expression of silver for a column."""
    if column.kind in ("integer", "decimal"):
        return f"{column.silver_name}_cleaned"
    if column.kind == "date":
        date_format = column.date_formats[0]
        if not has_time(date_format):
            return f"{{{{ date_value({_raw(column)}, '{date_format}') }}}}"
        if moment := _moment(column, date_format):
            return moment
    return f"{{{{ text_value({_raw(column)}) }}}}"


def _moment(column: Column, date_format: str) -> str | None:
    """Return the moment that a text holds, where both engines read its format by themselves."""
    if not has_time(date_format) or not date_format.startswith("%Y-%m-%d"):
        return None
    return f"try_cast({{{{ trimmed({_raw(column)}) }}}} as timestamp)"


def _event_moment(guess: Guess) -> str | None:
    """Return the moment of a row; bronze keeps only the day of a column called snapshot_date."""
    is_day = guess.date.name == "snapshot_date"
    return None if is_day else _moment(guess.date, guess.date_format)


def _yml(text: str) -> str:
    """Return a text as YAML writes it."""
    is_plain = re.fullmatch(r"[A-Za-z][\w./-]*", text) and yaml.safe_load(text) == text
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _checks(path: Path, data_dir: Path, guess: Guess) -> Iterator[str]:
    yield f"a row is identified by {guess.key.name} and {guess.date.name}"
    yield f"{guess.date.name} is written {guess.date_format}"
    yield from guess.doubts()
    personal = [column.name for column in guess.columns if column.is_personal]
    yield (
        f"personal, so that silver leaves them out: {', '.join(personal) or 'no column'};"
        " mark every other one"
    )
    yield "every TODO in these files; `file` is a pattern where more files are to come"
    if not path.resolve().is_relative_to(data_dir.resolve()):
        yield f"the file has to be below {data_dir} when python main.py runs"
