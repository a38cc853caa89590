"""The point-in-time join against its peers, which all have to give the same rows first."""

from pathlib import Path

import duckdb

from benchmarks.contenders import CONTENDERS, SOURCES, WITH_TIMES
from benchmarks.copies import check_equal, peers_python, rendered, write_copies
from benchmarks.measure import Cost, measure, median
from benchmarks.results import Claim, Part, Table

BASE = "plain SQL"
SIZES = (1, 10, 40)  # real sets
LARGEST = {"Feast, default": 10}  # at 40 it takes more than ten minutes


def run(run_dir: Path, scratch: Path, runs: int, largest: int) -> Part:
    """All contenders on the spine and the sources of a published run, so many times over."""
    python = peers_python()
    part = Part("joins", "How fast is the point-in-time join beside its peers?", runs)
    for times in (size for size in SIZES if size <= largest):
        folder = scratch / f"x{times}"
        loans = _prepare(run_dir, folder, times)
        names = [name for name in CONTENDERS if times <= LARGEST.get(name, times)]
        costs = _measure(python, folder, names, runs)
        part.tables.append(Table(f"Features of three sources for {loans:,} loans", BASE, costs))
        for name, cost in costs.items():
            part.series.setdefault(name, []).append((times, cost.cpu_seconds))
        ours = costs["warehouse"]
        part.claims.append(
            Claim(
                f"point-in-time features of {loans:,} loans, CPU against plain SQL",
                ours.cpu_seconds / costs[BASE].cpu_seconds,
                1.2,
            )
        )
        part.claims.append(
            Claim(
                f"of {loans:,} loans, CPU against polars",
                ours.cpu_seconds / costs["polars"].cpu_seconds,
                1.0,
            )
        )
        if "Feast, default" in costs:
            part.claims.append(
                Claim(
                    f"of {loans:,} loans, CPU of Feast's default store against ours",
                    costs["Feast, default"].cpu_seconds / ours.cpu_seconds,
                    10,
                    at_least=True,
                )
            )
    return part


def _prepare(run_dir: Path, folder: Path, times: int) -> int:
    """Write what the contenders read; returns the loans."""
    loans, columns = write_copies(run_dir, folder, times, SOURCES)
    (folder / WITH_TIMES).mkdir()
    with duckdb.connect() as con:
        for name in SOURCES:
            con.execute(
                f"copy (select * exclude (snapshot_date), snapshot_date::timestamptz as"
                f" snapshot_time from '{folder}/{name}.parquet')"
                f" to '{folder / WITH_TIMES / name}.parquet' (format parquet)"
            )
    joins = ", ".join(
        f"{name}_joined as ({{{{ as_of_join('spine', '{name}', ['customer_id'],"
        f" {columns[name]}, date_alias='{name}_snapshot_date', is_unique=true) }}}})"
        for name in SOURCES
    )
    others = " ".join(
        f"inner join {name}_joined on attributes_joined.loan_id = {name}_joined.loan_id"
        for name in SOURCES[1:]
    )
    features = ", ".join(f"{name}_joined.{c}" for name in SOURCES for c in columns[name])
    sql = (
        f"with {joins} select attributes_joined.loan_id, attributes_joined.customer_id,"
        f" attributes_joined.application_date, {features} from attributes_joined {others}"
    )
    (folder.parent / "warehouse.sql").write_text(rendered(sql))
    return loans


def _measure(python: Path, data: Path, names: list[str], runs: int) -> dict[str, Cost]:
    """Run every contender once, compare what they give, then time them in turns."""
    outs = {name: data / f"out_{''.join(filter(str.isalnum, name))}.parquet" for name in names}
    commands = {
        name: [python, "-m", "benchmarks.contenders", name, data, outs[name]] for name in names
    }
    for name in names:
        print(f"joins, {data.name}: {name} ...", flush=True)
        measure(commands[name])
    check_equal(outs)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(runs):
        print(f"joins, {data.name}: round {number + 1} of {runs} ...", flush=True)
        for name in names:
            costs[name].append(measure(commands[name]))
    return {name: median(several) for name, several in costs.items()}
