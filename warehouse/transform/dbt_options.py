"""Calls dbt on the folder of a run; its parse of the project is shared by all runs."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from warehouse.base.files import write_text
from warehouse.base.paths import DBT_DIR

RUN_FILE = "run.json"  # in dbt's target folder; read by the plugin
PARSE_FILE = "partial_parse.msgpack"  # dbt's own name for what it has parsed
QUIET = ("--no-write-json", "--log-level", "none", "--log-level-file", "none")


def run_options(
    run_dir: Path,
    target_dir: Path,
    variables: Mapping[str, Any],
    memory_limit: str | None = None,
    project_dir: Path = DBT_DIR,
) -> list[str]:
    """Write the folder of a run where the plugin reads it; return dbt's options to work on it.

    dbt parses the whole project (5 CPU seconds) when a variable or the profile differs from the
    last time: so the folder, another one each time, is in a file of dbt's target folder instead.
    Where target_dir has no earlier parse, dbt begins with the one in `shared_target`.
    """
    target_dir.mkdir(parents=True, exist_ok=True)
    run = {"run_dir": str(run_dir), "memory_limit": memory_limit}
    write_text(target_dir / RUN_FILE, json.dumps(run))
    options = {
        "--project-dir": project_dir,
        "--profiles-dir": project_dir,
        "--target": "run",
        "--target-path": target_dir,
        "--vars": json.dumps(dict(variables)),
    }
    shared = shared_target(project_dir) / PARSE_FILE
    if shared.exists() and not (target_dir / PARSE_FILE).exists():
        options["--partial-parse-file-path"] = shared
    return [str(part) for option in options.items() for part in option]


def run_variables(as_of: str | None = None, known_at: str | None = None) -> dict[str, Any]:
    """Return the variables of a run; what is built whole is built with --full-refresh."""
    return {"as_of": as_of, "known_at": known_at, "incremental": True}


def shared_target(project_dir: Path = DBT_DIR) -> Path:
    """Return dbt's target folder for what needs no folder of its own."""
    return project_dir / "target" / "run"


def invoke(
    arguments: Sequence[str], manifest: Any = None, on_event: Callable[[Any], None] | None = None
) -> Any:
    """Run a dbt command in this process, without its log and JSON files; return dbt's outcome.

    manifest is that of an earlier parse. Raises KeyboardInterrupt where somebody stopped it.
    """
    from dbt.cli.main import dbtRunner  # takes two seconds, which a re-run does not need

    runner = dbtRunner(manifest, callbacks=[on_event] if on_event else [])
    outcome = runner.invoke([*arguments, *QUIET])
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    return outcome
