"""The definitions that Feast serves, read from a published run: no feature is defined here."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.serving.warehouse_reader import GroupRule, TableNotes, group_rules, table_notes

SCORING_SET = (
    "scoring_set"  # the view of what a vector rests on: its day, and the age of each group
)
ENTITY_KEY = "customer_id"
DAY_COLUMN = "as_of_date"
GROUP_COLUMNS = ("snapshot_date", "age_days", "null_reason")  # of each group in gold.feature_store
SCORING_SET_DESCRIPTION = (
    "What a customer's vector rests on: the day of the scoring set and, for each group, the"
    " snapshot used, its age, and the reason why there is none. One row per customer."
)
DAY_DESCRIPTION = (
    "Day of the scoring set: the features are those known on this day."
    " Null where no source knows the customer."
)


@dataclass(frozen=True)
class Feature:
    """A feature as the warehouse describes it; data_type is DuckDB's, tags are yes or absent."""

    name: str
    data_type: str
    description: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A feature group: one feature view. date_column holds the date of the snapshot used."""

    name: str
    description: str
    owner: str
    max_age_days: int | None
    date_column: str
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class Catalogue:
    """Everything that is served of a customer: the feature groups, and the scoring set's view."""

    entity_description: str
    groups: tuple[Group, ...]

    @property
    def fingerprint(self) -> str:
        """Return the sha256 of all definitions."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def save(self, file: Path) -> None:
        """Write the definitions as JSON."""
        file.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, file: Path) -> "Catalogue":
        """Return the definitions that `save` wrote."""
        content = json.loads(file.read_text())
        return cls(
            content["entity_description"],
            tuple(
                Group(**{**group, "features": tuple(_feature(one) for one in group["features"])})
                for group in content["groups"]
            ),
        )


def read_catalogue(run_dir: Path, scoring_set: Path) -> Catalogue:
    """Return the definitions of a run whose features are those of a scoring set's file.

    A group that is not made of a source's snapshots is left out: its features are known only with
    an application, and come with the request.

    Raises UserError where the scoring set lacks a feature of the catalogue.
    """
    with duckdb.connect() as con:
        attach(con, run_dir)
        features = [
            _CatalogueRow(*row)
            for row in con.execute(
                "select feature_group, feature, description, source_column,"
                " len(sensitive_uses) > 0 from gold.feature_catalog"
            ).fetchall()
        ]
        described = con.execute("describe from read_parquet(?)", [str(scoring_set)]).fetchall()
    notes, rules = table_notes(run_dir), group_rules(run_dir)
    features = [row for row in features if row.group in rules]
    types = {name: kind for name, kind, *_ in described}
    missing = [row.feature for row in features if row.feature not in types]
    if missing:
        raise UserError(
            f"feature {missing[0]} of gold.feature_catalog is not in the scoring set of {run_dir};"
            " build the run again with python main.py --rebuild"
        )
    positions = {name: position for position, name in enumerate(types)}
    features.sort(key=lambda row: positions[row.feature])
    groups = tuple(
        _group([row for row in features if row.group == name], types, notes, rules)
        for name in sorted({row.group for row in features})
    )
    return Catalogue(
        notes.column("gold.feature_store", ENTITY_KEY),
        (_scoring_set_view([group.name for group in groups], types, notes), *groups),
    )


@dataclass(frozen=True)
class _CatalogueRow:
    group: str
    feature: str
    description: str
    source_column: str
    is_sensitive: bool


def _group(
    rows: list[_CatalogueRow],
    types: dict[str, str],
    notes: TableNotes,
    rules: dict[str, GroupRule],
) -> Group:
    """Return a feature group, from its rows of the catalogue."""
    name, rule = rows[0].group, rules[rows[0].group]
    return Group(
        name=name,
        description=notes.description(f"gold.{name}_features"),
        owner=notes.owner(f"gold.{name}_features"),
        max_age_days=rule.max_age_days,
        date_column=f"{name}_snapshot_date",
        features=tuple(
            Feature(
                row.feature,
                types[row.feature],
                row.description,
                ("personal",) * (row.source_column in rule.personal_columns)
                + ("sensitive",) * row.is_sensitive,
            )
            for row in rows
        ),
    )


def _scoring_set_view(groups: list[str], types: dict[str, str], notes: TableNotes) -> Group:
    """Return the view of what a vector rests on: its day, and the snapshot used of each group."""
    columns = [f"{group}_{part}" for group in groups for part in GROUP_COLUMNS]
    return Group(
        name=SCORING_SET,
        description=SCORING_SET_DESCRIPTION,
        owner=notes.owner("gold.feature_store"),
        max_age_days=None,
        date_column=DAY_COLUMN,
        features=(
            Feature(DAY_COLUMN, types[DAY_COLUMN], DAY_DESCRIPTION),
            *(
                Feature(column, types[column], notes.column("gold.feature_store", column))
                for column in columns
            ),
        ),
    )


def _feature(content: dict[str, object]) -> Feature:
    return Feature(
        str(content["name"]),
        str(content["data_type"]),
        str(content["description"]),
        tuple(content["tags"]),  # type: ignore[arg-type]
    )
