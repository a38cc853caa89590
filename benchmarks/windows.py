"""Trailing windows over the clickstream's columns, against reading and writing those columns.

As a program, `python -m benchmarks.windows FOLDER SQL_FILE OUT` runs one query over the spine and
the clickstream of a folder; `python -m benchmarks.windows FOLDER` has dbt build the model.
"""

import os
import shutil
import sys
from pathlib import Path

import duckdb

from benchmarks.copies import check_equal, rendered, write_copies
from benchmarks.measure import Cost, measure, median, module
from benchmarks.results import Claim, Part, Table
from warehouse.base.paths import DBT_DIR, PROJECT_DIR

BASE = "read and write the columns"
MONTHS = (3, 6)
MEMORY_LIMIT = "3GiB"
MODEL = "all windows of the model, built by dbt, its start included"


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
    }
    commands, outs = {}, {}
    for number, (name, sql) in enumerate(queries.items()):
        sql_file, outs[name] = folder / f"{number}.sql", folder / f"out_{number}.parquet"
        sql_file.write_text(sql)
        commands[name] = module("benchmarks.windows", folder, sql_file, outs[name])
    _lay_out_run(folder)
    commands[MODEL] = module("benchmarks.windows", folder)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(runs):
        for name, command in commands.items():
            print(f"windows, {folder.name}: {name}, round {number + 1} of {runs} ...", flush=True)
            costs[name].append(measure(command))
        if number == 0:
            check_equal({name: outs[name] for name in list(queries)[1:]})
    writing = "read the columns, write the features of the model"
    sql_file = folder / "writing.sql"
    made = folder / "run" / "gold" / "clickstream_features.*parquet"
    sql_file.write_text(f"from read_parquet('{made}')")
    medians = {name: median(several) for name, several in costs.items()}
    medians[writing] = median(
        [
            measure(module("benchmarks.windows", folder, sql_file, folder / "written.parquet"))
            for _ in range(runs)
        ]
    )
    sums, model, base = (medians[name] for name in ("sums of 3 and 6 months", MODEL, BASE))
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
                "all windows of the model (484 features), CPU against reading and writing what"
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


def _lay_out_run(folder: Path) -> None:
    """A run of nothing but what the model reads, in the folder `run`."""
    run_dir = folder / "run"
    for layer in ("bronze/loads", "silver", "gold"):
        (run_dir / layer).mkdir(parents=True)
    shutil.copy(folder / "spine.parquet", run_dir / "gold" / "loan_applications.parquet")
    shutil.copy(folder / "clickstream.parquet", run_dir / "silver" / "clickstream.parquet")
    with duckdb.connect() as con:
        con.execute(
            "copy (select '' as source, 0 as load_id, 0::bigint as row_number, '' as customer_id,"
            " null::date as snapshot_date, '' as fate, '' as reason limit 0)"
            f" to '{run_dir}/silver/set_aside_rows.parquet' (format parquet)"
        )
        con.execute(f"copy (select 1 as load_id) to '{run_dir}/bronze/loads/1.parquet'")


def query(folder: Path, sql_file: Path, out: Path) -> None:
    """Run one query over the folder's files."""
    with duckdb.connect() as con:
        con.execute(f"set temp_directory = '{folder}/spill'; set memory_limit = '{MEMORY_LIMIT}'")
        for name in ("spine", "clickstream"):
            con.execute(f"create view {name} as from '{folder}/{name}.parquet'")
        con.execute(f"copy ({sql_file.read_text()}) to '{out}' (format parquet, compression zstd)")


def build(folder: Path) -> None:
    """Have dbt build the model in the folder's run."""
    from dbt.cli.main import dbtRunner

    os.environ |= {
        "WAREHOUSE_HOME": str(PROJECT_DIR),
        "WAREHOUSE_BUILD_DIR": str(folder / "run"),
        "WAREHOUSE_MEMORY_LIMIT": MEMORY_LIMIT,
    }
    options = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR)]
    options += ["--target-path", str(folder / "target"), "--log-level-file", "none"]
    outcome = dbtRunner().invoke(["run", "--select", "clickstream_features", *options])
    sys.exit(not outcome.success)


if __name__ == "__main__":
    (query if len(sys.argv) > 2 else build)(*map(Path, sys.argv[1:]))
