"""Trailing windows over the clickstream's columns, against reading and writing those columns.

As a program, `python -m benchmarks.windows FOLDER SQL_FILE OUT`, it runs one query over the
spine and the clickstream of a folder.
"""

import sys
from pathlib import Path

import duckdb

from benchmarks.copies import check_equal, rendered, write_copies
from benchmarks.measure import Cost, measure, median, module
from benchmarks.results import Claim, Part, Table
from warehouse.features import load_queries

BASE = "read and write the columns"
MONTHS = (3, 6)
MEMORY_LIMIT = "3GiB"
STANDING_IN = {"spine": "gold.loan_applications", "clickstream": "silver.clickstream"}


def run(run_dir: Path, scratch: Path, runs: int, largest: int) -> Part:
    """The sums of two windows, and all windows of the model, at the largest size."""
    folder = scratch / f"x{largest}"
    loans, columns = write_copies(run_dir, folder, largest, ("clickstream",))
    counters = columns["clickstream"]
    names = ", ".join(counters)
    queries = {
        BASE: f"select customer_id, snapshot_date, {names} from clickstream",
        "sums of 3 and 6 months": _sums(counters, _known(counters)),
        "the same, written by hand": _sums(counters, _known_by_hand(counters)),
        "all windows of the model": load_queries(run_dir).model("clickstream_features").sql,
    }
    commands, outs = {}, {}
    for number, (name, sql) in enumerate(queries.items()):
        sql_file, outs[name] = folder / f"{number}.sql", folder / f"out_{number}.parquet"
        sql_file.write_text(sql)
        commands[name] = module("benchmarks.windows", folder, sql_file, outs[name])
    costs: dict[str, list[Cost]] = {name: [] for name in queries}
    for number in range(runs):
        for name, command in commands.items():
            print(f"windows, {folder.name}: {name}, round {number + 1} of {runs} ...", flush=True)
            costs[name].append(measure(command))
        if number == 0:
            check_equal({name: outs[name] for name in list(queries)[1:3]})
    writing = "read the columns, write the features of the model"
    sql_file = folder / "writing.sql"
    sql_file.write_text(f"from '{outs['all windows of the model']}'")
    medians = {name: median(several) for name, several in costs.items()}
    medians[writing] = median(
        [
            measure(module("benchmarks.windows", folder, sql_file, folder / "written.parquet"))
            for _ in range(runs)
        ]
    )
    sums, model, base = (
        medians[name] for name in ("sums of 3 and 6 months", "all windows of the model", BASE)
    )
    return Part(
        name="windows",
        question="What do trailing windows over 20 columns cost?",
        runs=runs,
        tables=[Table(f"{loans:,} loans and their clickstream", BASE, medians)],
        claims=[
            Claim(
                f"sums over 3 and 6 months of 20 columns for {loans:,} loans, CPU against reading"
                " and writing the columns",
                sums.cpu_seconds / base.cpu_seconds,
                3,
            ),
            Claim("their peak memory", sums.peak_mb / 1024, 4, " GiB"),
            Claim(
                "all windows of the model (486 features), CPU against reading and writing what"
                " it makes",
                model.cpu_seconds / medians[writing].cpu_seconds,
                3,
            ),
            Claim(
                f"their peak memory, DuckDB's limit being {MEMORY_LIMIT}",
                model.peak_mb / 1024,
                4,
                " GiB",
            ),
        ],
    )


def _known(counters: list[str]) -> str:
    """The rows known at each application, by the warehouse's macros."""
    return rendered(
        "select *, {{ months_between('snapshot_date', 'application_date') }} as age from"
        f" ({{{{ known_rows('spine', 'clickstream', ['customer_id'], {counters}) }}}})"
    )


def _known_by_hand(counters: list[str]) -> str:
    columns = ", ".join(f"clickstream.{name}" for name in counters)
    return (
        "select customer_id, application_date, date_diff('month', snapshot_date, application_date)"
        f" as age, {columns} from (select distinct customer_id, application_date from spine)"
        " inner join clickstream using (customer_id) where snapshot_date <= application_date"
    )


def _sums(counters: list[str], known: str) -> str:
    """Sums over each window for each loan, of a query of the known rows and their age."""
    windows = [
        f"window_{months} as (select customer_id, application_date, "
        + ", ".join(f"sum({name})::bigint as {name}_{months}" for name in counters)
        + f" from known where age < {months} group by all)"
        for months in MONTHS
    ]
    joins = " ".join(
        f"left join window_{months} using (customer_id, application_date)" for months in MONTHS
    )
    sums = ", ".join(f"{name}_{months}" for months in MONTHS for name in counters)
    return (
        f"with known as ({known} ), {', '.join(windows)}"
        f" select loan_id, customer_id, application_date, {sums} from spine {joins}"
    )


def main(folder: Path, sql_file: Path, out: Path) -> None:
    """Run one query; the files stand in for the tables of the warehouse that it may name."""
    with duckdb.connect() as con:
        con.execute(f"set temp_directory = '{folder}/spill'; set memory_limit = '{MEMORY_LIMIT}'")
        con.execute("create schema gold; create schema silver")
        for name, table in STANDING_IN.items():
            for view in (f"main.{name}", table):
                con.execute(f"create view {view} as from '{folder}/{name}.parquet'")
        con.execute(
            "create table silver.set_aside_rows (source varchar, load_id integer,"
            " row_number bigint, customer_id varchar, snapshot_date date, fate varchar,"
            " reason varchar)"
        )
        con.execute(f"copy ({sql_file.read_text()}) to '{out}' (format parquet, compression zstd)")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
