"""What Feast serves is what the warehouse computes: every customer, every feature, every type."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytest.importorskip("feast", reason="Feast is not installed (requirements/serve.in)")

from tests.support import serving
from tests.support.project import user_environment
from tests.support.serving import build_run, features_as_of, publish, running_redis, running_server
from tests.support.tiny import FIRST_LOAD, SECOND_LOAD
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.cli.main import main
from warehouse.serving.catalogue import Catalogue, Feature, Group, read_catalogue
from warehouse.serving.materialise import history, materialise, write_store
from warehouse.serving.repository import definitions
from warehouse.serving.stores import Served, online_store
from warehouse.serving.warehouse_reader import write_scoring_set

FIRST_DAY, NEXT_MONTH = "2024-06-15", "2024-08-01"


@pytest.fixture(scope="session")
def two_months(tiny_data, tiny_queries, tmp_path_factory) -> Path:
    """A folder with two runs: june of the first load, july of both."""
    root = tmp_path_factory.mktemp("two_months")
    june = (FIRST_LOAD, "snapshot_date <= '2024-06-30'")
    july = (SECOND_LOAD, "not snapshot_date <= '2024-06-30'")
    build_run(root, "june", tiny_queries, tiny_data, [june])
    build_run(root, "july", tiny_queries, tiny_data, [june, july])
    return root


@pytest.fixture
def datamart(two_months: Path, tmp_path: Path) -> Path:
    """A datamart whose published run is june's."""
    root = tmp_path / "datamart"
    root.mkdir()
    (root / "runs").symlink_to(two_months / "runs")
    publish(root, two_months / "runs" / "june")
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


def serve(datamart: Path, day: str, online: str = "sqlite") -> Any:
    store = online_store(online, folder(datamart))
    return materialise(datamart, date.fromisoformat(day), store, lambda line: None)


def folder(datamart: Path) -> Path:
    (datamart / "serving").mkdir(exist_ok=True)
    return datamart / "serving"


def names(datamart: Path) -> list[str]:
    catalogue = Catalogue.load(folder(datamart) / "catalogue.json")
    return [f"{group.name}:{one.name}" for group in catalogue.groups for one in group.features]


def test_served_values_are_those_of_the_warehouse_and_again_after_a_month(datamart, online):
    with running_server(datamart, "--day", FIRST_DAY, "--online", online) as client:
        wanted = features_as_of(datamart, FIRST_DAY)
        assert client.vectors(list(wanted), names(datamart)) == wanted

        publish(datamart, (datamart / "runs" / "july").resolve())
        options = ["--day", NEXT_MONTH, "--online", online, "--no-server"]
        assert main(["serve", "--datamart-dir", str(datamart), *options]) == 0
        wanted = features_as_of(datamart, NEXT_MONTH)
        one = next(iter(wanted))
        day = ["scoring_set:as_of_date"]
        serving.wait_for(
            lambda: client.vectors([one], day)[one]["as_of_date"] == wanted[one]["as_of_date"], 30
        )
        assert client.vectors(list(wanted), names(datamart)) == wanted

        answer = client.ask(["CUS_nobody"], names(datamart))
        found = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
        del found["customer_id"]
        assert all(result["values"] == [None] for result in found.values())
        if online == "sqlite":  # Feast's Redis store says PRESENT; as_of_date tells there
            assert {result["statuses"][0] for result in found.values()} == {"NOT_FOUND"}


def test_a_killed_materialisation_leaves_the_old_values_whole(datamart, online):
    serve(datamart, FIRST_DAY, online)
    old = features_as_of(datamart, FIRST_DAY)
    before = serving.stored(folder(datamart), list(old), names(datamart))
    publish(datamart, (datamart / "runs" / "july").resolve())
    options = ["--datamart-dir", str(datamart), "--online", online, "--day", NEXT_MONTH]
    killed = subprocess.Popen(
        [sys.executable, "-u", "main.py", "serve", *options, "--no-server"],
        cwd=PROJECT_DIR,
        env=user_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in killed.stdout:
        if line.startswith("clickstream: "):
            killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert serving.stored(folder(datamart), list(old), names(datamart)) == before
    assert online_store(online, folder(datamart)).served().day == FIRST_DAY

    assert serve(datamart, NEXT_MONTH, online).served.day == NEXT_MONTH
    new = features_as_of(datamart, NEXT_MONTH)
    found = serving.stored(folder(datamart), list(new), names(datamart))
    assert {
        customer: {name: value for name, (_, value) in vector.items()}
        for customer, vector in found.items()
    } == new


def test_only_what_differs_is_written_and_the_store_is_as_if_written_whole(datamart, tmp_path):
    serve(datamart, FIRST_DAY)
    again = serve(datamart, FIRST_DAY)
    assert set(again.written.values()) == {0}

    publish(datamart, (datamart / "runs" / "july").resolve())
    done = serve(datamart, NEXT_MONTH)
    assert done.is_incremental
    assert done.written.pop("scoring_set") == done.served.customers
    assert 0 < sum(done.written.values()) < done.served.customers * len(done.written)

    whole = tmp_path / "whole"
    whole.mkdir()
    publish(whole, (datamart / "runs" / "july").resolve())
    assert not serve(whole, NEXT_MONTH).is_incremental
    assert contents(datamart) == contents(whole)


def contents(datamart: Path) -> dict[str, list[tuple]]:
    """Everything that the served SQLite file holds, but for when it was written."""
    with closing(sqlite3.connect(folder(datamart) / "online.db")) as con:
        tables = [
            name
            for (name,) in con.execute("select name from sqlite_master where type = 'table'")
            if name.startswith("loan_default_")
        ]
        query = "select entity_key, feature_name, value, event_ts from {} order by 1, 2"
        return {name: con.execute(query.format(name)).fetchall() for name in sorted(tables)}


def test_an_earlier_day_serves_no_customer_of_the_later_one(datamart, online):
    publish(datamart, (datamart / "runs" / "july").resolve())
    serve(datamart, NEXT_MONTH, online)
    late = set(features_as_of(datamart, NEXT_MONTH))
    done = serve(datamart, "2023-03-01", online)
    early = set(features_as_of(datamart, "2023-03-01"))
    assert early < late and not done.is_incremental
    asked = serving.stored(folder(datamart), sorted(late), ["scoring_set:as_of_date"])
    assert {c for c, found in asked.items() if found["as_of_date"][1] is not None} == early


def test_what_was_served_can_be_asked_for_after_later_loads(datamart):
    serve(datamart, FIRST_DAY)
    publish(datamart, (datamart / "runs" / "july").resolve())
    serve(datamart, NEXT_MONTH)
    first, last = history(folder(datamart))
    assert (first.day, first.run_id, first.known_at) == (FIRST_DAY, "june", "2024-07-01T06:00:00")
    assert (last.day, last.run_id) == (NEXT_MONTH, "july")

    again = datamart / "again.parquet"
    write_scoring_set((datamart / "runs" / "july").resolve(), date.fromisoformat(FIRST_DAY), again)
    old = folder(datamart) / "scoring_sets" / first.scoring_set
    with duckdb.connect() as con:
        both = [con.execute(f"from '{file}' order by customer_id") for file in (again,)]
        rows = both[0].fetchall()
        assert rows == con.execute(f"from '{old}' order by customer_id").fetchall()


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
    write_set(tmp_path, "a.parquet", columns)
    store = online_store(online, tmp_path)
    write_store(tmp_path, catalogue_of(TYPES), served_set("a.parquet"), store, lambda line: None)
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
    write_set(tmp_path, "a.parquet", f"cast({value} as {kind}) as odd")
    store = online_store("sqlite", tmp_path)
    with pytest.raises(UserError, match=message):
        catalogue = catalogue_of({"odd": (kind,)})
        write_store(tmp_path, catalogue, served_set("a.parquet"), store, lambda line: None)
    assert store.served() is None


def write_set(folder: Path, name: str, columns: str) -> None:
    (folder / "scoring_sets").mkdir(exist_ok=True)
    duckdb.execute(
        f"copy (select 'c' || place as customer_id, date '2024-01-01' as seen, {columns}"
        f" from range(3) as r(place)) to '{folder / 'scoring_sets' / name}'"
    )


def catalogue_of(types: dict[str, tuple]) -> Catalogue:
    kinds = {name: kind.upper().replace(", ", ",") for name, (kind, *_) in types.items()}
    features = tuple(Feature(name, kind, "") for name, kind in kinds.items())
    return Catalogue("", (Group("g", "", "", None, "seen", features),))


def served_set(name: str) -> Served:
    return Served("2024-01-01", "run", "2024-01-01T00:00:00", name, "", "", 3, "2024-01-01")


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


def test_status_shows_how_old_what_is_served_is(datamart, capsys):
    options = ["--datamart-dir", str(datamart), "--status"]
    assert main(["serve", *options]) == 1
    assert "nothing is served" in capsys.readouterr().err
    serve(datamart, FIRST_DAY)
    assert main(["serve", *options]) == 0
    shown = capsys.readouterr().out
    age = (date.today() - date.fromisoformat(FIRST_DAY)).days
    assert f"as of {FIRST_DAY} ({age:,} days ago)" in shown
    for group in ("attributes", "financials", "clickstream", "loan_history"):
        assert group in shown


def test_registry_and_dbt_docs_use_the_same_words(sample_datamart, tmp_path):
    run_dir = (sample_datamart / "current").resolve()
    write_scoring_set(run_dir, date(2024, 6, 1), tmp_path / "set.parquet")
    catalogue = read_catalogue(run_dir, tmp_path / "set.parquet")
    described = json.loads((run_dir / "descriptions.json").read_text())
    views = {view.name: view for view in definitions(catalogue, tmp_path)[2:-1]}
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
