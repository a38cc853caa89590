"""Runs the dbt models and tests on a run's building folder, in this process."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.paths import DBT_DIR, PROJECT_DIR

DESCRIPTIONS_FILE = "descriptions.json"
MESSAGES_SHOWN = 5  # of a test that failed, in a line for a person


@dataclass
class DbtResult:
    """What dbt did: seconds per model, tests passed, each thing warned of, what failed."""

    model_seconds: dict[str, float] = field(default_factory=dict)
    test_seconds: dict[str, float] = field(default_factory=dict)
    passed: int = 0
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Dbt:
    """dbt over one building folder.

    The folder, the run before (None: build all tables whole), the memory DuckDB may take and how
    many queries share the cores are handed to the project by environment variables, so a process
    works on one folder at a time.
    """

    def __init__(
        self,
        build_dir: Path,
        target_dir: Path,
        variables: dict[str, Any],
        on_event: Callable[[str], None],
        on_log: Callable[[str], None],
        on_last_model: Callable[[], object],
        threads: int = 2,
        memory_limit: str | None = None,
        previous_run: Path | None = None,
    ) -> None:
        self._options = [
            "--project-dir",
            str(DBT_DIR),
            "--profiles-dir",
            str(DBT_DIR),
            "--target-path",
            str(target_dir),
            "--vars",
            json.dumps(variables),
            "--log-level",
            "none",
            "--log-level-file",
            "none",
            "--no-use-colors",
            "--threads",
            str(threads),
            "--no-write-json",
        ]
        self._build_dir = build_dir
        self._environment = {
            "WAREHOUSE_HOME": str(PROJECT_DIR),
            "WAREHOUSE_BUILD_DIR": str(build_dir),
            "WAREHOUSE_PREVIOUS_RUN": str(previous_run or ""),
            "WAREHOUSE_MEMORY_LIMIT": memory_limit or "",
            # those that follow another run are short: splitting one over the cores brings nothing
            "WAREHOUSE_QUERIES_AT_ONCE": str(threads) if previous_run else "",
        }
        self._on_event = on_event
        self._on_log = on_log
        self._on_last_model = on_last_model
        self._models_to_build: set[str] = set()
        self.manifest: Any = None

    def parse(self) -> None:
        """Read the project; may run while bronze is still being landed."""
        self.manifest = self._invoke("parse").result

    def build(self) -> DbtResult:
        """Build and test all models; `on_last_model` is called when only tests are left.

        Raises:
            UserError: a model could not be built, or a test of severity error failed.
        """
        self._models_to_build = {
            key for key, node in self.manifest.nodes.items() if node.resource_type == "model"
        }
        outcome = self._invoke("build", "--exclude-resource-type", "unit_test")
        result = _read_results(outcome.result, self._build_dir)
        if outcome.exception:
            raise UserError(f"dbt stopped: {_one_line(str(outcome.exception))}")
        if result.failures:
            raise UserError(
                f"{len(result.failures)} checks failed: {'; '.join(result.failures)}."
                " Nothing was published; the datamart is as it was"
            )
        return result

    def _invoke(self, *command: str) -> Any:
        os.environ |= self._environment
        # jsonschema, which dbt imports, spends a second on the grammar of a kind of address that
        # no schema of dbt's has, where this package is there (JupyterLab brings it).
        sys.modules.setdefault("rfc3987_syntax", None)
        from dbt.cli.main import dbtRunner  # late: a re-run with nothing to do needs no dbt

        runner = dbtRunner(manifest=self.manifest, callbacks=[self._hear])
        outcome = runner.invoke([*command, *self._options])
        if isinstance(outcome.exception, KeyboardInterrupt):
            raise outcome.exception
        if not outcome.success and outcome.result is None:
            raise UserError(f"dbt could not read the project: {_one_line(str(outcome.exception))}")
        return outcome

    def _hear(self, event: Any) -> None:
        if event.info.level in ("info", "warn", "error") and event.info.msg.strip():
            self._on_log(event.info.msg.strip())
        if event.info.name == "LogModelResult":
            relation = event.data.node_info.node_relation
            self._on_event(f"built {relation.schema}.{relation.alias}")
            if event.info.level == "info":
                self._models_to_build.discard(event.data.node_info.unique_id)
                if not self._models_to_build:
                    self._on_last_model()


def descriptions(manifest: Any) -> dict[str, Any]:
    """What dbt knows of every table: {"silver.x": {"description": .., "columns": {name: ..}}}."""
    tables = [node for node in manifest.nodes.values() if node.resource_type == "model"]
    tables += manifest.sources.values()
    return {
        f"{table.schema}.{table.name}": {
            "description": table.description,
            "columns": {column.name: column.description for column in table.columns.values()},
        }
        for table in tables
    }


def _read_results(results: Any, build_dir: Path) -> DbtResult:
    result = DbtResult()
    for entry in results or []:
        name, status = entry.node.name, str(entry.status)
        said = [_one_line(entry.message)]
        if status in ("warn", "fail"):
            said = _own_words(entry.node.compiled_code, build_dir) or [f"{entry.failures:,} rows"]
        if entry.node.resource_type == "test":
            result.test_seconds[name] = entry.execution_time
            if status == "pass":
                result.passed += 1
            elif status == "warn":
                result.warnings += [f"{name}: {message}" for message in said]
        elif status == "success":
            result.model_seconds[f"{entry.node.schema}.{name}"] = entry.execution_time
        if status in ("fail", "error"):
            more = len(said) - MESSAGES_SHOWN
            shown = said[:MESSAGES_SHOWN] + ([f"and {more} more"] if more > 0 else [])
            result.failures.append(f"{name}: {'; '.join(shown)}")
    return result


def _own_words(sql: str, build_dir: Path) -> list[str]:
    """What a test that found rows says of each in its column `message`; [] where it has none."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, build_dir)
        try:
            found = con.execute(f"select message from (\n{sql}\n)").fetchall()
        except duckdb.Error:
            return []
    return [message for (message,) in found]


def _one_line(message: str | None) -> str:
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return " ".join(lines[:3])[:400]
