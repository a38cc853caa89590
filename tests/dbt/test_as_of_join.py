"""The as-of join macro against plain loops (oracle.py), on random and on chosen rows.

The macro is rendered once for all configurations, by dbt; the SQL then runs on many tables.
"""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.compiled import render
from tests.support.oracle import as_of, is_candidate, moment
from warehouse.base.catalog import quoted_name

CUT = "\n--cut--\n"
PLAIN = {
    "keys": ["k"],
    "columns": ["a", "b"],
    "spine_date": "asked",
    "source_date": "dated",
    "date_alias": "winning_date",
    "tie_break": ["load desc nulls last"],
}
TIMES = {"spine": "timestamp", "source": "timestamp"}
ODD = {
    "keys": ["select", 'K "y"'],
    "columns": ["A Column", 'b"q"', "order"],
    "spine_date": "The Date",
    "source_date": "group by",
    "date_alias": "winning date, really",
    "tie_break": ["load desc nulls last"],
    "known_from": "Learnt At",
}
VERSIONS = {"known_from": "learnt", "known_until": "replaced"}

# name: (the macro's arguments, the types of the dates)
CONFIGURATIONS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "inclusive": (PLAIN, {}),
    "strict": (PLAIN | {"boundary": "strict"}, {}),
    "delay": (PLAIN | {"delay_days": 2}, {}),
    "strict_delay": (PLAIN | {"boundary": "strict", "delay_days": 1}, {}),
    "max_age": (PLAIN | {"max_age_days": 3}, {}),
    "max_age_0": (PLAIN | {"max_age_days": 0}, {}),
    "everything": (
        PLAIN | {"boundary": "strict", "delay_days": 1, "max_age_days": 4} | VERSIONS,
        {},
    ),
    "two_keys": (PLAIN | {"keys": ["k", "k2"]}, {}),
    "no_key": (PLAIN | {"keys": []}, {}),
    "no_columns": (PLAIN | {"columns": []}, {}),
    "no_tie_break": (PLAIN | {"tie_break": []}, {}),
    "known_from": (PLAIN | {"known_from": "learnt"}, {}),
    "versions": (PLAIN | VERSIONS, {}),
    "strict_versions": (PLAIN | VERSIONS | {"boundary": "strict"}, {}),
    "versions_at_a_time": (PLAIN | VERSIONS, TIMES),
    "timestamps": (PLAIN | {"max_age_days": 2, "delay_days": 1}, TIMES),
    "strict_timestamps": (PLAIN | {"boundary": "strict"}, TIMES),
    "date_asks_timestamps": (PLAIN, {"source": "timestamp"}),
    "timestamp_asks_dates": (PLAIN | {"max_age_days": 2}, {"spine": "timestamp"}),
    "zones": (PLAIN | {"max_age_days": 3}, {"spine": "timestamptz", "source": "timestamptz"}),
    "date_asks_zones": (PLAIN, {"source": "timestamptz"}),
    "odd_names": (ODD, {}),
}
KNOWN_ROWS = [
    *("inclusive", "strict", "delay", "max_age", "two_keys", "odd_names", "timestamps"),
    *("versions", "strict_versions"),
]


@pytest.fixture(scope="module")
def sql() -> dict[str, str]:
    """The rendered macro per configuration; known_rows under 'known <configuration>'."""
    templates = {
        name: f"{{{{ as_of_join('spine', 'source', **{arguments!r}) }}}}"
        for name, (arguments, _) in CONFIGURATIONS.items()
    }
    for name in KNOWN_ROWS:
        arguments = {**CONFIGURATIONS[name][0]}
        del arguments["date_alias"], arguments["tie_break"]
        templates[f"known {name}"] = f"{{{{ known_rows('spine', 'source', **{arguments!r}) }}}}"
    rendered = render(CUT.join(templates.values())).split(CUT)
    return dict(zip(templates, rendered, strict=True))


@pytest.fixture(scope="module")
def con():
    with duckdb.connect(config={"threads": 2}) as con:
        con.execute("set TimeZone = 'UTC'")
        yield con


def names(arguments: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The columns of spine and source: what a test calls them -> what they are called in SQL."""
    keys, columns = [*arguments["keys"]], [*arguments["columns"]]
    for some, wanted in ((keys, ["k", "k2"]), (columns, ["a", "b", "c"])):
        some += [name for name in wanted if name not in some][: max(0, len(wanted) - len(some))]
    spine = {"k": keys[0], "k2": keys[1], "asked": arguments["spine_date"]}
    source = {
        "k": keys[0],
        "k2": keys[1],
        "dated": arguments["source_date"],
        "load": "load",
        "learnt": arguments.get("known_from", "learnt"),
        "replaced": "replaced",
        **dict(zip("abc", columns, strict=False)),
    }
    return spine, source


def fill(con, table: str, columns: dict[str, str], kinds: dict[str, str], rows: list[dict]) -> None:
    described = ", ".join(f"{quoted_name(name)} {kinds[short]}" for short, name in columns.items())
    con.execute(f"create or replace table {table} ({described})")
    if rows:
        values = ", ".join(
            "(" + ", ".join(literal(row[short]) for short in columns) + ")" for row in rows
        )
        con.execute(f"insert into {table} values {values}")


def literal(value: Any) -> str:
    return "null" if value is None else f"'{value}'"


def check(con, sql: str, name: str, spine: list[dict], source: list[dict]) -> None:
    """Run the macro's SQL and the loops on the same rows; they must give the same multiset."""
    arguments, dates = CONFIGURATIONS[name]
    spine_names, source_names = names(arguments)
    kinds = {
        **dict.fromkeys(("k", "k2", "a", "load"), "integer"),
        **dict.fromkeys(("b", "c"), "varchar"),
        **{"asked": dates.get("spine", "date"), "dated": dates.get("source", "date")},
        **dict.fromkeys(("learnt", "replaced"), "timestamp"),
    }
    fill(con, "spine", spine_names, kinds, spine)
    fill(con, "source", source_names, kinds, source)
    shown_dates = [quoted_name(name) for name in (arguments["date_alias"], spine_names["asked"])]
    as_timestamps = ", ".join(f"cast({name} as timestamp) as {name}" for name in shown_dates)
    found = con.execute(f"select * replace ({as_timestamps}) from ({sql})").fetchall()
    wanted = as_of(
        spine,
        source,
        ["k", "k2"][: len(arguments["keys"])],
        ["a", "b", "c"][: len(arguments["columns"])],
        "asked",
        "dated",
        latest_by=["load"] if arguments["tie_break"] else [],
        **rule(arguments),
    )
    shown = [*spine_names, *["a", "b", "c"][: len(arguments["columns"])], "winning_date"]
    expected = [
        tuple((row | {"asked": moment(row["asked"])})[short] for short in shown) for row in wanted
    ]
    assert Counter(found) == Counter(expected)


def rule(arguments: dict[str, Any]) -> dict[str, Any]:
    """The macro's arguments about time, as the loops take them."""
    wanted = ("boundary", "delay_days", "max_age_days")
    short = {"known_from": "learnt", "known_until": "replaced"}
    return {name: arguments[name] for name in wanted if name in arguments} | {
        name: column for name, column in short.items() if name in arguments
    }


def moments(kind: str) -> st.SearchStrategy:
    days = st.integers(1, 12).map(lambda day: date(2024, 1, day))
    if kind == "date":
        return st.none() | days
    hours = st.sampled_from([0, 0, 1, 12, 23])
    stamps = st.builds(lambda day, hour: datetime(day.year, 1, day.day, hour), days, hours)
    if kind == "timestamptz":
        zones = st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-5))])
        stamps = st.builds(lambda stamp, zone: stamp.replace(tzinfo=zone), stamps, zones)
    return st.none() | stamps


def tables(dates: dict[str, str]) -> st.SearchStrategy:
    key = st.sampled_from([1, 1, 2, None])
    small = st.sampled_from([0, 1, 2, None])
    text = st.sampled_from(["x", "y", "", None])
    stamp = moments("timestamp")
    spine = st.fixed_dictionaries(
        {"k": key, "k2": key, "asked": moments(dates.get("spine", "date"))}
    )
    source = st.fixed_dictionaries(
        {"k": key, "k2": key, "dated": moments(dates.get("source", "date"))}
        | {"load": small, "learnt": stamp, "replaced": stamp, "a": small, "b": text, "c": text}
    )
    return st.tuples(st.lists(spine, max_size=8), st.lists(source, max_size=16))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_join_and_known_rows_follow_the_rule(con, sql, name):
    @settings(max_examples=20, deadline=None, database=None)
    @given(tables(CONFIGURATIONS[name][1]))
    def holds(rows):
        check(con, sql[name], name, *rows)  # leaves the tables filled
        if name in KNOWN_ROWS:
            check_known_rows(con, sql[f"known {name}"], CONFIGURATIONS[name][0], *rows)

    holds()


def check_known_rows(
    con, sql: str, arguments: dict[str, Any], spine: list[dict], source: list[dict]
) -> None:
    """All candidates must be there, once per key and date of the spine."""
    used = ["k", "k2"][: len(arguments["keys"])]
    columns = ["a", "b", "c"][: len(arguments["columns"])]
    asked = {tuple(row[short] for short in [*used, "asked"]): row for row in spine}
    expected = [
        (*key, *(other[column] for column in columns), other["dated"])
        for key, row in asked.items()
        for other in source
        if is_candidate(row, other, used, "asked", "dated", **rule(arguments))
    ]
    assert Counter(con.execute(sql).fetchall()) == Counter(expected)


def test_the_edges_of_age_delay_and_boundary(con, sql):
    spine = [{"k": 1, "k2": None, "asked": date(2024, 1, 10)}]

    def winner(name: str, day: int) -> Any:
        row = {"k": 1, "k2": None, "dated": date(2024, 1, day), "load": 1}
        row |= {"learnt": None, "replaced": None}
        check(con, sql[name], name, spine, [row | {"a": day, "b": "x", "c": None}])
        return con.execute(f"select a from ({sql[name]})").fetchone()[0]

    assert [winner("inclusive", day) for day in (9, 10, 11)] == [9, 10, None]
    assert [winner("strict", day) for day in (9, 10)] == [9, None]
    assert [winner("delay", day) for day in (8, 9)] == [8, None]
    assert [winner("strict_delay", day) for day in (8, 9)] == [8, None]
    assert [winner("max_age", day) for day in (6, 7)] == [None, 7]


def many_rows() -> tuple[list[dict], list[dict]]:
    dice = random.Random(11)
    first = date(2024, 1, 1)

    def row(**more: Any) -> dict:
        return {"k": dice.choice([*range(300), None]), "k2": None, **more}

    spine = [row(asked=first + timedelta(days=dice.randrange(60))) for _ in range(2000)]
    source = [
        row(
            dated=first + timedelta(days=dice.randrange(60)),
            load=dice.randrange(3),
            learnt=None,
            replaced=None,
            a=dice.randrange(3),
            b=dice.choice("xyz"),
            c=None,
        )
        for _ in range(6000)
    ]
    return spine, source


def test_threads_and_the_order_of_the_input_change_nothing(con, sql):
    spine, source = many_rows()
    by_key: dict[Any, list[dict]] = {}
    for row in source:
        by_key.setdefault(row["k"], []).append(row)
    check(con, sql["max_age"], "max_age", spine[:150], [r for r in source if r["k"] is not None])

    answers = set()
    for threads in (1, 2, 5):
        for table in ("spine", "source"):
            con.execute(f"create or replace table {table} as from {table} order by random()")
        con.execute(f"set threads = {threads}")
        query = (
            "select md5(string_agg(r::varchar, '' order by r::varchar))"
            f" from ({sql['max_age']}) as r"
        )
        answers.add(con.execute(query).fetchone()[0])
    con.execute("set threads = 2")
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("boundary='open'", "boundary is 'open': use inclusive or strict"),
        ("recorded_at='x'", "takes no keyword argument 'recorded_at'"),
    ],
)
def test_wrong_argument_is_refused_with_a_reason(argument, reason):
    with pytest.raises(AssertionError, match=reason):
        render(f"{{{{ as_of_join('s', 't', ['k'], ['a'], {argument}) }}}}")
