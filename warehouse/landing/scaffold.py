"""Writes a first contract, line of `vars: sources` and silver model for a file of a new source."""

import glob
import re
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
# marks are [[ ]] and [% %], so that those of dbt stay as they are
TEMPLATES = Environment(
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
    stem = snake_case(re.sub(r"\.csv(\.gz)?$", "", path.name, flags=re.IGNORECASE))
    name = name or re.sub(r"(_\d+)+$", "", stem)
    _check_name(name, dbt_dir)
    file, folder = path.resolve(), data_dir.resolve()
    is_below = file.is_relative_to(folder)
    relative = file.relative_to(folder).as_posix() if is_below else file.name
    far = () if is_below else (f"the file has to be below {data_dir} when python main.py runs",)
    others = (guess.key, guess.customer, guess.date)
    kept = [c for c in guess.columns if c not in others and not c.is_personal]
    # bronze keeps only the day of a column called snapshot_date
    is_day = guess.date.name == "snapshot_date"
    values: dict[str, Any] = {
        "yml": _yml,
        "raw": _raw,
        "value": _value,
        "name": name,
        "file": glob.escape(relative),
        "guess": guess,
        "entity": "customer_id" if guess.key == guess.customer else guess.key.silver_name,
        "kept": kept,
        "numbers": [column for column in kept if column.kind in ("integer", "decimal")],
        "event_moment": None if is_day else _moment(guess.date),
    }

    def filled(template: str) -> str:
        return TEMPLATES.get_template(template).render(values)

    contracts = (dbt_dir / CONTRACTS).read_text(encoding="utf-8").rstrip("\n") + "\n"
    texts = {
        CONTRACTS: contracts + filled("contract.yml.j2"),
        PROJECT: _with_line(dbt_dir / PROJECT, name),
        SILVER / f"{name}.sql": filled("silver.sql.j2"),
        SILVER / f"{name}.yml": filled("silver.yml.j2"),
    }
    _check_contracts(texts[CONTRACTS], texts[PROJECT])
    for target, text in texts.items():
        (dbt_dir / target).write_text(text, encoding="utf-8")
    files = tuple(dbt_dir / target for target in texts)
    return Scaffold(name, files, (*_checks(guess), *far))


def _checks(guess: Guess) -> tuple[str, ...]:
    personal = ", ".join(column.name for column in guess.columns if column.is_personal)
    return (
        f"a row is identified by {guess.key.name} and {guess.date.name}",
        f"{guess.date.name} is written {guess.date_format}",
        *guess.doubts,
        f"personal, so that silver leaves them out: {personal or 'no column'};"
        " mark every other one",
        "every TODO in these files; `file` is a pattern where more files are to come",
    )


def _check_name(name: str, dbt_dir: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in reserved_words():
        raise UserError(
            f"{name!r} cannot be the name of a source: expected lower-case letters, digits and _;"
            " choose another with --name"
        )
    there = [*(dbt_dir / "models").rglob(f"{name}.sql"), *(dbt_dir / SILVER).glob(f"{name}.yml")]
    if there:
        raise UserError(f"{there[0]} is there already, and left as it is; choose another --name")
    contracts = read_contracts(dbt_dir / CONTRACTS, dbt_dir / PROJECT)
    if name in (contract.name for contract in contracts):
        raise UserError(f"there is a source {name!r} already; choose another --name")


def _with_line(path: Path, name: str) -> str:
    """Return the project file with a line for the source at the end of `vars: sources`."""
    text = path.read_text(encoding="utf-8")
    block = re.search(r"^  sources:\n(    \S.*\n)*", text, re.MULTILINE)
    if not block:
        raise UserError(f"{path}: expected a line `  sources:` below `vars:`, found none; add one")
    return f"{text[: block.end()]}    {name}: {{silver: {name}}}\n{text[block.end() :]}"


def _check_contracts(contracts: str, project: str) -> None:
    """Raise unless the contracts can be read as they are going to be."""
    with TemporaryDirectory() as folder:
        files = (Path(folder) / CONTRACTS.name, Path(folder) / PROJECT.name)
        for file, text in zip(files, (contracts, project), strict=True):
            file.write_text(text, encoding="utf-8")
        try:
            read_contracts(*files)
        except UserError as error:
            reason = str(error).replace(f"{folder}/", "")
            raise UserError(f"nothing was written, for the contract is not valid: {reason}") from (
                error
            )


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
    if column.kind == "date" and not has_time(column.date_formats[0]):
        return f"{{{{ date_value({_raw(column)}, '{column.date_formats[0]}') }}}}"
    return _moment(column) or f"{{{{ text_value({_raw(column)}) }}}}"


def _moment(column: Column) -> str | None:
    """Return the moment that a text holds, where both engines read its format by themselves."""
    if not any(known.startswith("%Y-%m-%d") and has_time(known) for known in column.date_formats):
        return None
    return f"try_cast({{{{ trimmed({_raw(column)}) }}}} as timestamp)"


def _yml(text: str) -> str:
    """Return a text as YAML writes it within a list."""
    listed = yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10**6)
    return listed.strip()[1:-1]
