"""What Feast serves is what the warehouse computes: every customer, every feature, every type."""

import json
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.support import serving
from tests.support.compiled import NARROW, narrow_project
from tests.support.serving import (
    features_as_of,
    finish_run,
    running_redis,
    running_server,
    served_features,
)
from tests.support.tiny import build, land_with_corrections, publish
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.cli.main import main
from warehouse.features.scoring import build_scoring_set
from warehouse.sample.files import write_files
from warehouse.serving.history import history, serving_dir
from warehouse.serving.stores import Served, online_store

pytestmark = serving.needs_feast

FIRST_DAY, NEXT_MONTH = "2024-07-15", "2024-10-15"


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory) -> Path:
    """A folder with two runs: july, of the first load; october, of three with corrections.

    The customers are few, and few the features.
    """
    root = tmp_path_factory.mktemp("two_runs")
    (root / "data").mkdir()
    write_files(20, 3, root / "data")
    october = land_with_corrections(root / "data", root).rename(root / "october")
    shutil.copytree(october, root / "july", ignore=shutil.ignore_patterns("load_00000[2-9]*"))
    finish_run(october, narrow_project())
    finish_run(root / "july", narrow_project(), october / "gold" / "feature_catalog.parquet")
    return root


@pytest.fixture
def datamart(two_runs: Path, tmp_path: Path) -> Path:
    """A datamart whose published run is july's."""
    root = tmp_path / "datamart"
    root.mkdir()
    publish(root, two_runs / "july")
    return root


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    if shutil.which("redis-server") is None:
        pytest.skip("Debian's package redis-server is not installed")
    with running_redis(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture(params=["sqlite", "redis"])
def online(request: pytest.FixtureRequest):
    if request.param == "sqlite":
        yield "sqlite"
        return
    address = request.getfixturevalue("redis")
    yield address
    import redis

    redis.Redis.from_url(address).flushall()


@pytest.fixture(scope="module")
def served_in_july(two_runs: Path, tmp_path_factory) -> Path:
    """A datamart that serves the first day of july's run from SQLite, to be copied."""
    root = tmp_path_factory.mktemp("served_in_july")
    publish(root, two_runs / "july")
    serve(root, FIRST_DAY)
    return root


@pytest.fixture
def served(served_in_july: Path, datamart: Path) -> Path:
    """A copy of it, which a test may change."""
    shutil.copytree(served_in_july / "serving", datamart / "serving")
    return datamart


def serve(datamart: Path, day: str, online: str = "sqlite") -> dict[str, int]:
    from warehouse.serving.materialise import materialise

    store = online_store(online, serving_dir(datamart))
    return materialise(datamart, date.fromisoformat(day), store, lambda line: None)


def stored(datamart: Path, customers: list[str]) -> serving.Vectors:
    """What the online store holds of the customers, as JSON would show it."""
    found = serving.stored(serving_dir(datamart), customers, served_features(datamart))
    return {
        customer: {name: value for name, (_, value) in vector.items()}
        for customer, vector in found.items()
    }


def test_served_values_are_those_of_the_warehouse_and_again_after_a_month(served, two_runs, capsys):
    datamart = served
    with running_server(datamart, "--day", FIRST_DAY) as client:
        wanted, features = features_as_of(datamart, FIRST_DAY), served_features(datamart)
        assert client.vectors(list(wanted), features) == wanted

        publish(datamart, two_runs / "october")
        options = ["--datamart-dir", str(datamart), "--day", NEXT_MONTH, "--no-server"]
        assert main(["serve", *options]) == 0
        wanted = features_as_of(datamart, NEXT_MONTH)
        one, day = next(iter(wanted)), ["scoring_set:as_of_date"]
        serving.wait_for(
            lambda: client.vectors([one], day)[one]["as_of_date"] == wanted[one]["as_of_date"], 30
        )
        assert client.vectors(list(wanted), features) == wanted

        nobody = client.ask(["CUS_nobody"], features)["results"][1:]
        assert {(result["values"][0], result["statuses"][0]) for result in nobody} == {
            (None, "NOT_FOUND")
        }

    capsys.readouterr()
    assert main(["serve", "--datamart-dir", str(datamart), "--status"]) == 0
    shown = capsys.readouterr().out
    assert f"as of {NEXT_MONTH} ({(date.today() - date.fromisoformat(NEXT_MONTH)).days:,} " in shown
    for group in ("attributes", "financials", "clickstream", "loan_history"):
        newest = max(filter(None, (vector[f"{group}_snapshot_date"] for vector in wanted.values())))
        day = date.fromtimestamp(newest)
        age = (date.today() - day).days
        assert re.search(rf"{group} +│? *{day} +│? *{age:,} ", shown)


def test_a_new_month_is_served_whole_or_not_at_all(datamart, two_runs, online):
    from warehouse.serving.materialise import materialise

    serve(datamart, FIRST_DAY, online)
    old = features_as_of(datamart, FIRST_DAY)
    publish(datamart, two_runs / "october")
    places = ["between registry and store"]
    for place in ["writing a group", *places] if online == "sqlite" else places:
        store = online_store(online, serving_dir(datamart))
        with suppress(KeyboardInterrupt):
            if place == "between registry and store":
                store.switch = lambda held: interrupt()
            say = interrupt if place == "writing a group" else lambda line: None
            materialise(datamart, date.fromisoformat(NEXT_MONTH), store, say)
        assert stored(datamart, list(old)) == old, place
        assert store.served().day == FIRST_DAY

    serve(datamart, NEXT_MONTH, online)
    new = features_as_of(datamart, NEXT_MONTH)
    assert stored(datamart, list(new)) == new
    assert [served.day for served in history(serving_dir(datamart))] == [FIRST_DAY, NEXT_MONTH]

    written = serve(datamart, "2023-03-01", online)
    early = features_as_of(datamart, "2023-03-01")
    assert set(written.values()) == {len(early)}
    assert early.keys() < new.keys()
    served = stored(datamart, [*new, "CUS_nobody"])
    assert {name for name, vector in served.items() if vector["as_of_date"]} == early.keys()


def interrupt(line: str = "clickstream: ") -> None:
    if line.startswith("clickstream: "):
        raise KeyboardInterrupt


def test_only_what_differs_is_written_and_the_store_is_as_if_written_whole(
    served, two_runs, tmp_path
):
    publish(served, two_runs / "october")
    written = serve(served, NEXT_MONTH)
    customers = len(features_as_of(served, NEXT_MONTH))
    assert written.pop("scoring_set") == customers
    assert 0 < sum(written.values()) < customers * len(written)

    whole = tmp_path / "whole"
    whole.mkdir()
    publish(whole, two_runs / "october")
    assert set(serve(whole, NEXT_MONTH).values()) == {customers}
    assert contents(served) == contents(whole)
    assert set(serve(whole, NEXT_MONTH).values()) == {0}


def contents(datamart: Path) -> dict[str, list[tuple]]:
    """Everything that the served SQLite file holds, but for when it was written."""
    with closing(sqlite3.connect(serving_dir(datamart) / "online.db")) as con:
        tables = [
            name
            for (name,) in con.execute("select name from sqlite_master where type = 'table'")
            if name.startswith("loan_default_")
        ]
        query = "select entity_key, feature_name, value, event_ts from {} order by 1, 2"
        return {name: con.execute(query.format(name)).fetchall() for name in sorted(tables)}


def test_what_was_served_can_be_asked_for_after_later_loads(served, two_runs, tmp_path):
    """The recipe of docs/serving.md: the datamart as of the load that was served from."""
    closed_day = "2024-06-15"
    closed, open_ = features_as_of(served, closed_day), features_as_of(served, FIRST_DAY)
    assert stored(served, list(open_)) == open_

    publish(served, two_runs / "october")
    assert features_as_of(served, closed_day) == closed
    assert features_as_of(served, FIRST_DAY) != open_

    line = history(serving_dir(served))[-1]
    assert (line.day, line.run_id, line.known_at) == (
        FIRST_DAY,
        "july",
        "2024-07-01T06:00:00",
    )
    then = tmp_path / "then"
    shutil.copytree(two_runs / "october" / "bronze", then / "run" / "bronze")
    publish(then, then / "run", build(then / "run", known_at=line.known_at, **NARROW))
    assert features_as_of(then, line.day) == open_


# One row a case: a value, a null, and what is close to a null.
TYPES = {
    "text": ("varchar", ["'x'", "null", "''"], "string_val", ["x", None, ""]),
    "flag": ("boolean", ["true", "null", "false"], "bool_val", [True, None, False]),
    "count": ("integer", ["7", "null", "0"], "int32_val", [7, None, 0]),
    "large": (
        "bigint",
        ["9007199254740993", "null", "0"],
        "int64_val",
        [9007199254740993, None, 0],
    ),
    "share": ("double", ["0.1", "null", "0"], "double_val", [0.1, None, 0.0]),
    "money": ("decimal(18,2)", ["1234.50", "null", "0"], "decimal_val", ["1234.50", None, "0.00"]),
    "day": (
        "date",
        ["date '2024-02-29'", "null", "date '1970-01-01'"],
        "unix_timestamp_val",
        [1709164800, None, 0],
    ),
    "kinds": ("varchar[]", ["['a', 'b']", "null", "[]"], "string_list_val", [["a", "b"], None, []]),
    "amounts": (
        "decimal(9,1)[]",
        ["[1.5]", "null", "[]"],
        "decimal_list_val",
        [["1.5"], None, []],
    ),
}


def test_every_type_is_held_exactly_and_null_is_not_zero_or_empty(tmp_path, online):
    columns = ", ".join(
        f"cast(case place {' '.join(f'when {i} then {v}' for i, v in enumerate(values))} end"
        f" as {kind}) as {name}"
        for name, (kind, values, _, _) in TYPES.items()
    )
    write_types(tmp_path, columns, {name: kind for name, (kind, *_) in TYPES.items()}, online)
    found = serving.stored(tmp_path, ["c0", "c1", "c2"], [f"g:{name}" for name in TYPES])
    for name, (_, _, field, values) in TYPES.items():
        wanted = [(None if value is None else field, value) for value in values]
        assert [found[f"c{place}"][name] for place in range(3)] == wanted, name


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("timestamp", "now()", "feature odd is of type TIMESTAMP"),
        ("varchar[]", "['a', null]", "a list with a null in it"),
    ],
)
def test_a_type_that_feast_cannot_hold_is_refused_in_one_line(tmp_path, kind, value, message):
    with pytest.raises(UserError, match=message):
        write_types(tmp_path, f"cast({value} as {kind}) as odd", {"odd": kind})
    assert online_store("sqlite", tmp_path).served() is None


def write_types(folder: Path, columns: str, types: dict[str, str], online: str = "sqlite") -> None:
    """Serve three customers c0 to c2 with columns of a group g."""
    from warehouse.serving.definitions import Definitions, Feature, Group
    from warehouse.serving.materialise import write_store

    (folder / "scoring_sets").mkdir()
    duckdb.execute(
        f"copy (select 'c' || place as customer_id, date '2024-01-01' as as_of_date, {columns}"
        f" from range(3) as r(place)) to '{folder / 'scoring_sets' / 'a.parquet'}'"
    )
    features = tuple(Feature(name, kind.upper()) for name, kind in types.items())
    wanted = Served("2024-01-01", "run", "2024-01-01T00:00:00", "a.parquet", "", "", 3, "")
    definitions = Definitions((Group("g", features),))
    write_store(folder, definitions, wanted, online_store(online, folder), lambda line: None)


def test_databases_of_redis_that_are_in_use_are_left_alone(datamart, redis):
    import redis as client

    other = client.Redis.from_url(redis.replace("/0", "/5"))
    other.set("theirs", 1)
    with pytest.raises(UserError, match=r"database 5 of Redis at .* not of this project"):
        serve(datamart, FIRST_DAY, redis.replace("/0", "/4"))
    assert other.get("theirs") == b"1"


def test_a_redis_that_does_not_answer_gives_one_line(datamart, capsys):
    options = ["--datamart-dir", str(datamart), "--online", "redis://127.0.0.1:1/0"]
    assert main(["serve", *options, "--no-server"]) == 1
    assert "Redis at 127.0.0.1:1 does not answer" in capsys.readouterr().err


def test_status_of_nothing_gives_one_line(datamart, capsys):
    assert main(["serve", "--datamart-dir", str(datamart), "--status"]) == 1
    assert "nothing is served" in capsys.readouterr().err


def test_registry_and_dbt_docs_use_the_same_words(sample_datamart, tmp_path):
    from warehouse.serving.definitions import read_definitions

    run_dir = (sample_datamart / "current").resolve()
    build_scoring_set(run_dir, date(2024, 6, 1), tmp_path / "set.parquet")
    objects = read_definitions(run_dir, tmp_path / "set.parquet").objects(tmp_path)
    described = json.loads((run_dir / "descriptions.json").read_text())
    views = {view.name: view for view in objects[2:-1]}
    with duckdb.connect() as con:
        attach(con, run_dir)
        listed = con.execute(
            "select feature_group, map_from_entries(list((feature, description))),"
            " list(feature) filter (len(sensitive_uses) > 0)"
            " from gold.feature_catalog where feature_group <> 'application' group by all"
        ).fetchall()
    assert {group for group, _, _ in listed} | {"scoring_set"} == set(views)
    for group, features, sensitive in listed:
        fields = {field.name: field for field in views[group].schema if field.name != "customer_id"}
        assert set(fields) == set(features)
        own_words = described[f"gold.{group}_features"]["columns"]
        for name, field in fields.items():
            assert field.description == features[name]
            assert field.description.split() == own_words.get(name, features[name]).split()
        tagged = {name for name, field in fields.items() if field.tags.get("sensitive")}
        assert tagged == set(sensitive or [])
        model = described[f"gold.{group}_features"]
        assert views[group].description.split() == model["description"].split()
        assert views[group].owner == model["owner"]
