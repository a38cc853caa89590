"""Writes a first contract, line of `vars: sources` and silver model for a file of a new source."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

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
    """What was written: the source's name, the files, and what a person must look at."""

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
    changed = {
        CONTRACTS: _with_contract(dbt_dir / CONTRACTS, name, _file_setting(path, data_dir), guess),
        PROJECT: _with_line(dbt_dir / PROJECT, name),
    }
    _check_project(changed)
    added = {SILVER / f"{name}.sql": _silver_sql(name, guess), SILVER / f"{name}.yml": (
        _silver_yml(name, guess)
    )}  # fmt: skip
    for file, text in {**added, **changed}.items():
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


def _with_contract(path: Path, name: str, file: str, guess: Guess) -> str:
    """Return the sources file with the contract of the new source at its end."""
    text = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
    lines = [
        "",
        f"      - name: {name}",
        "        description: >",
        "          TODO what a row says, who delivers it and when. One row per row of the file, in",
        "          the load that first brought it.",
        "        config:",
        "          meta:",
        f"            file: {_yml(file)}",
        f"            key: [{_yml(guess.key.name)}, {_yml(guess.date.name)}]",
        f"            customer_column: {_yml(guess.customer.name)}",
        f"            date_column: {_yml(guess.date.name)}",
    ]
    if guess.other_date_format:
        lines.append(
            f"            # TODO or {guess.other_date_format}? No day in the file is above 12"
        )
    lines += [
        f"            date_format: {json.dumps(guess.date_format)}",
        "            # TODO delay_days, boundary, max_age_days, where not as for the others",
        "        columns:",
    ]
    for column in guess.columns:
        lines.append(f"          - name: {_yml(column.name)}")
        lines.append(f"            description: TODO what it is; {KINDS[column.kind]}.")
        if column.is_personal:
            lines.append("            config: {meta: {personal: true}}")
    anchors = [anchor for anchor in PROVENANCE if f"&{anchor}\n" in text]
    lines += [f"          - *{anchor}" for anchor in anchors]
    return text + "\n".join(lines) + "\n"


def _with_line(path: Path, name: str) -> str:
    """Return the project file with a line for the source at the end of `vars: sources`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        place = lines.index("  sources:") + 1
    except ValueError as error:
        raise UserError(
            f"{path}: expected a line `  sources:` below `vars:`, found none; add one"
        ) from error
    while place < len(lines) and re.match(r" {4}\S", lines[place]):
        place += 1
    lines.insert(place, f"    {name}: {{silver: {name}}}")
    return "\n".join(lines) + "\n"


def _check_project(changed: dict[Path, str]) -> None:
    """Raise unless the contracts can be read as they are going to be."""
    with TemporaryDirectory() as folder:
        for file, text in changed.items():
            (Path(folder) / file.name).write_text(text, encoding="utf-8")
        try:
            read_contracts(Path(folder) / CONTRACTS.name, Path(folder) / PROJECT.name)
        except UserError as error:
            reason = str(error).replace(f"{folder}/", "")
            raise UserError(f"nothing was written, for the contract would not do: {reason}") from (
                error
            )


def _silver_sql(name: str, guess: Guess) -> str:
    numbers = [column for column in _kept(guess) if column.kind in ("integer", "decimal")]
    ctes = [f"with versions as (\n    {{{{ versions('{name}') }}}}\n)"]
    rows = "versions"
    if numbers:
        values = ",\n".join(
            f"        {{{{ number_value({_raw(c)}) }}}} as {c.silver_name}_number" for c in numbers
        )
        ctes.append(f"numbers as (\n    select\n        *,\n{values}\n    from versions\n)")
        cleaned = ",\n".join(_cleaned_number(column) for column in numbers)
        ctes.append(
            "-- TODO the lowest and highest possible value: in_range and `vars: valid_ranges`\n"
            f"cleaned as (\n    select\n        *,\n{cleaned}\n    from numbers\n)"
        )
        rows = "cleaned"
    columns = ",\n".join(_silver_columns(guess, numbers))
    ctes.append(f"typed as (\n    select\n{columns}\n    from {rows}\n)")
    order = f"{_entity(guess)}, snapshot_date, load_id"
    return ",\n\n".join(ctes) + f"\n\nselect * from typed\norder by {order}\n"


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


def _cleaned_number(column: Column) -> str:
    number = f"{column.silver_name}_number"
    kind, limit = ("integer", "2000000000") if column.kind == "integer" else (
        "decimal(18, 2)", "1000000000000"
    )  # fmt: skip
    is_whole = f"\n                and {number} = floor({number})"
    whole = is_whole if column.kind == "integer" else ""
    return (
        f"        case\n            when abs({number}) <= {limit}{whole}\n"
        f"                then {{{{ number_as('{number}', '{kind}') }}}}\n"
        f"        end as {column.silver_name}_cleaned"
    )


def _silver_columns(guess: Guess, numbers: list[Column]) -> Iterator[str]:
    yield f"        entity_id as {_entity(guess)}"
    if guess.key != guess.customer:
        yield f"        {{{{ text_value({_raw(guess.customer)}) }}}} as customer_id"
    yield "        event_date as snapshot_date"
    if moment := _event_moment(guess):
        yield f"        {moment} as {guess.date.silver_name}"
    for column in _kept(guess):
        yield f"        {_value(column)} as {column.silver_name}"
    actions = "".join(
        f"            cleaning_action(\n                '{c.silver_name}', {_raw(c)},"
        f" '{c.silver_name}_cleaned', number='{c.silver_name}_number'\n            ),\n"
        for c in numbers
    )
    listed = actions or "            'cast(null as ' ~ dbt.type_string() ~ ')',\n"
    yield f"        {{{{ list_of_actions([\n{listed}        ]) }}}} as cleaning_actions"
    yield "        {{ version_columns() }}"


def _value(column: Column) -> str:
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


def _silver_yml(name: str, guess: Guess) -> str:
    entity = _entity(guess)
    described = {entity: "TODO what identifies a row.", "customer_id": _doc("customer_id")}
    described["snapshot_date"] = _doc("snapshot_date")
    if _event_moment(guess):
        described[guess.date.silver_name] = "TODO what happened at this moment."
    described |= {c.silver_name: f"TODO what it is; {KINDS[c.kind]}." for c in _kept(guess)}
    endings = "cleaning_actions known_from known_until arrival load_id source_file row_number"
    described |= {column: _doc(column) for column in endings.split()}
    types = {
        c.silver_name: "integer" if c.kind == "integer" else "decimal(18, 2)"
        for c in _kept(guess)
        if c.kind in ("integer", "decimal")
    }
    columns = "".join(
        f"      - name: {column}\n"
        + (f"        data_type: {types[column]}\n" if column in types else "")
        + f"        description: {text}\n"
        for column, text in described.items()
    )
    kind = "customer" if entity == "customer_id" else entity
    return f"""version: 2

models:
  - name: {name}
    description: >
      TODO what the table says.
      One row per {kind}, snapshot date and version.
    config: {{group: silver, access: public}}
    columns:
{columns}    data_tests:
      - grain:
          arguments: {{columns: [{entity}, snapshot_date]}}
          config: {{where: known_until is null}}
      - one_version_at_a_time:
          arguments: {{key: {entity}}}
      - cleaning_is_the_exception
"""


def _doc(name: str) -> str:
    return f"\"{{{{ doc('{name}') }}}}\""


def _yml(text: str) -> str:
    """Return a text as YAML writes it."""
    is_plain = re.fullmatch(r"[A-Za-z][\w./-]*", text) and yaml.safe_load(text) == text
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _checks(path: Path, data_dir: Path, guess: Guess) -> Iterator[str]:
    yield f"a row is identified by {guess.key.name} and {guess.date.name}"
    yield f"{guess.date.name} is written {guess.date_format}"
    yield from guess.doubts
    personal = [column.name for column in guess.columns if column.is_personal]
    yield (
        f"personal, so that silver leaves them out: {', '.join(personal) or 'no column'};"
        " mark every other one"
    )
    yield "every TODO in these files; `file` is a pattern where more files are to come"
    if not path.resolve().is_relative_to(data_dir.resolve()):
        yield f"the file has to be below {data_dir} when python main.py runs"
