"""The whole of main.py against its floor: python -m benchmarks.pipeline --data-dir DIR."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, measure, median
from warehouse.paths import PROJECT_DIR


def main() -> None:
    """Measure floor, first run and unchanged run side by side, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = _measure_all(options.data_dir, options.runs, Path(folder))
    floor = costs["floor"]
    print(f"{'':14} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'wall':>6} {'CPU':>6}")
    for name, cost in costs.items():
        print(
            f"{name:14} {cost.wall_seconds:8.1f} {cost.cpu_seconds:8.1f} {cost.peak_mb:8.0f}"
            f" {cost.wall_seconds / floor.wall_seconds:6.2f}"
            f" {cost.cpu_seconds / floor.cpu_seconds:6.2f}"
        )


def _measure_all(data_dir: Path, runs: int, folder: Path) -> dict[str, Cost]:
    mart, compiled = folder / "datamart", folder / "compiled"
    run = [sys.executable, str(PROJECT_DIR / "main.py"), "--data-dir", str(data_dir)]
    run += ["--datamart-dir", str(mart)]
    measure(run)
    _save_compiled(mart, compiled)
    floor = [sys.executable, "-m", "benchmarks.floor", str(data_dir), str(folder / "floor")]
    floor += [str((folder / "published").absolute()), str(compiled)]
    shutil.copytree(mart / "current", folder / "published")
    costs: dict[str, list[Cost]] = {"floor": [], "first run": [], "unchanged run": []}
    for _ in range(runs):
        shutil.rmtree(folder / "floor", ignore_errors=True)
        costs["floor"].append(measure(floor))
        shutil.rmtree(mart)
        costs["first run"].append(measure(run))
        costs["unchanged run"].append(measure(run))
    return {name: median(several) for name, several in costs.items()}


def _save_compiled(mart: Path, compiled: Path) -> None:
    """Lay out the compiled SQL of all models, in the order in which they can be built."""
    nodes = json.loads((mart / "dbt_target" / "run_results.json").read_text())["results"]
    order = []
    for node in nodes:
        if not node["unique_id"].startswith("model."):
            continue
        layer, table = node["relation_name"].replace('"', "").split(".")[1:]
        (compiled / layer).mkdir(parents=True, exist_ok=True)
        (compiled / layer / f"{table}.sql").write_text(node["compiled_code"])
        order.append(f"{layer}.{table}")
    (compiled / "order.txt").write_text("\n".join(order))


if __name__ == "__main__":
    main()
