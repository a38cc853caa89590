"""Where things are inside a datamart, and which of its runs is published.

datamart/
    bronze, silver, gold, report.html  ->  current/...   what users read
    lab/                      tables of the user's own; no run changes them
    dev/                      silver and gold as `dbt build` in a terminal makes them
    current                   ->  runs/<run id>, the published run
    runs/<run id>/            published runs, never changed by a later one
    building/<run id>/        the run in progress, or what a killed run left
    manifests/<run id>.json   a record of every run, failed ones included
    logs/<run id>.log
    proof.json, proof_target/, dbt_target/               the last leakage proof; dbt's own files
    run.lock, run.lock.txt    who is at work here
    spark/                    silver and gold as --target spark builds them

On a file system without links `current` is a text file that names the run, and bronze, silver and
gold are copies of its folders.
"""

from pathlib import Path
from typing import Any

from warehouse.base.files import read_json

LAYERS = ("bronze", "silver", "gold")
REPORT_FILE = "report.html"
GROUP_POWER_FILE = "group_power.json"  # of a run: what `prove` or the deck measured


class Datamart:
    """The folders of one datamart, see above."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.current = root / "current"
        self.runs = root / "runs"
        self.building = root / "building"
        self.manifests = root / "manifests"
        self.logs = root / "logs"
        self.lab = root / "lab"
        self.dev = root / "dev"

    def current_run(self) -> Path | None:
        """Return the published run's own folder, None before the first run."""
        run_dir = self.current.resolve()
        if self.current.is_file():
            run_dir = self.root.resolve() / self.current.read_text(encoding="utf-8").strip()
        return run_dir if run_dir.is_dir() else None

    def current_manifest(self) -> dict[str, Any] | None:
        """Return the published run's manifest, None before the first run."""
        run_dir = self.current_run()
        manifest: dict[str, Any] | None = read_json(run_dir / "manifest.json") if run_dir else None
        return manifest

    def manifests_before(self, run_id: str) -> list[dict[str, Any]]:
        """Return the manifests of other runs, oldest first; unreadable ones are left out."""
        files = [path for path in self.manifests.glob("[!.]*.json") if path.stem != run_id]
        return [manifest for path in sorted(files) if (manifest := read_json(path))]
