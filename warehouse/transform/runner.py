"""Runs dbt's models and tests on a run's building folder, in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.transform.dbt_options import invoke, run_options, run_variables, shared_target

DESCRIPTIONS_FILE = "descriptions.json"
MESSAGES_SHOWN = 5  # of a failed test, in the one line that a user sees


@dataclass(frozen=True)
class TestResults:
    """Number of tests that passed, one line per warning, and seconds per test."""

    passed: int
    warnings: list[str]
    seconds: dict[str, float]


@dataclass
class Dbt:
    """dbt on one building folder.

    Attributes:
        run_dir: folder that holds bronze, where the models are written to.
        target_dir: folder of dbt's own files, kept from run to run.
        variables: variables of the project, see `run_variables`.
        is_incremental: whether to keep the rows of closed applications that run_dir has.
        on_model: called with a line such as "built gold.label_store".
        on_log: called with every line that dbt logs.
        threads: number of models that are built at the same time.
        memory_limit: memory that DuckDB may hold, such as 2000MiB; None for its own default.
        manifest: dbt's manifest, after `parse`.
    """

    run_dir: Path
    target_dir: Path
    variables: dict[str, Any]
    is_incremental: bool
    on_model: Callable[[str], None]
    on_log: Callable[[str], None]
    threads: int = 2
    memory_limit: str | None = None
    manifest: Any = field(default=None, init=False)
    _parsing: Lock = field(default_factory=Lock, init=False)

    def parse(self) -> None:
        """Read the project, unless that is done; waits for another thread that is at it.

        Raises:
            UserError: the project cannot be read.
        """
        with self._parsing:
            if self.manifest is None:
                self.manifest = self._invoke("parse").result

    def build_models(self) -> dict[str, float]:
        """Build all models; returns the seconds of each, such as {"gold.label_store": 0.2}.

        Raises:
            UserError: a model could not be built.
        """
        results = self._results("run", *([] if self.is_incremental else ["--full-refresh"]))
        failures = [
            f"{entry.node.name}: {_one_line(entry.message)}"
            for entry in results
            if str(entry.status) == "error"
        ]
        if failures:
            raise UserError(
                f"{_count(failures, 'model')} could not be built: {'; '.join(failures)}."
                " Nothing was published; the datamart is as it was"
            )
        return {f"{entry.node.schema}.{entry.node.name}": entry.execution_time for entry in results}

    def run_tests(self) -> TestResults:
        """Run all data tests.

        Raises:
            UserError: a test of severity error failed; the message says which and why.
        """
        results = self._results("test", "--exclude-resource-type", "unit_test")
        lines = {"warn": [], "fail": [], "error": []}  # type: dict[str, list[str]]
        for entry in results:
            status, name = str(entry.status), entry.node.name
            if status == "error":
                lines[status].append(f"{name}: {_one_line(entry.message)}")
            elif status in ("warn", "fail"):
                messages = self._messages(entry.node.compiled_code) or [_count_rows(entry.failures)]
                if status == "warn":
                    lines[status] += [f"{name}: {message}" for message in messages]
                else:
                    lines[status].append(f"{name}: {_shortened(messages)}")
        if failures := lines["fail"] + lines["error"]:
            raise UserError(
                f"{_count(failures, 'test')} failed: {'; '.join(failures)}."
                " Nothing was published; the datamart is as it was"
            )
        return TestResults(
            passed=sum(str(entry.status) == "pass" for entry in results),
            warnings=lines["warn"],
            seconds={entry.node.name: entry.execution_time for entry in results},
        )

    def _results(self, *command: str) -> list[Any]:
        outcome = self._invoke(*command)
        if outcome.exception:
            raise UserError(f"dbt stopped: {_one_line(str(outcome.exception))}")
        return list(outcome.result)

    def _invoke(self, *command: str) -> Any:
        options = run_options(self.run_dir, self.target_dir, self.variables, self.memory_limit)
        options += ["--threads", str(self.threads), "--no-use-colors"]
        outcome = invoke([*command, *options], self.manifest, self._on_event)
        if not outcome.success and outcome.result is None:
            raise UserError(f"dbt could not read the project: {_one_line(str(outcome.exception))}")
        return outcome

    def _on_event(self, event: Any) -> None:
        if event.info.level in ("info", "warn", "error") and event.info.msg.strip():
            self.on_log(event.info.msg.strip())
        if event.info.name == "LogModelResult":
            relation = event.data.node_info.node_relation
            self.on_model(f"built {relation.schema}.{relation.alias}")

    def _messages(self, sql: str) -> list[str]:
        """Return the column `message` of the rows that a test found; [] where it has none."""
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            attach(con, self.run_dir)
            try:
                found = con.execute(f"select message from (\n{sql}\n)").fetchall()
            except duckdb.Error:
                return []
        return [message for (message,) in found]


def descriptions(manifest: Any) -> dict[str, Any]:
    """Return dbt's texts: {"silver.x": {"description": ..., "owner": ..., "columns": {...}}}.

    The owner is the address of the table's dbt group, None where it has none.
    """
    owners = {group.name: group.owner.email for group in manifest.groups.values()}
    tables = [node for node in manifest.nodes.values() if node.resource_type == "model"]
    tables += manifest.sources.values()
    return {
        f"{table.schema}.{table.name}": {
            "description": table.description,
            "owner": owners.get(getattr(table, "group", None)),
            "columns": {column.name: column.description for column in table.columns.values()},
        }
        for table in tables
    }


def _count_rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _count(items: list[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _shortened(messages: list[str]) -> str:
    more = len(messages) - MESSAGES_SHOWN
    return "; ".join(messages[:MESSAGES_SHOWN] + ([f"and {more} more"] if more > 0 else []))


def _one_line(message: str | None) -> str:
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return " ".join(lines[:3])[:400]


def parse_for_all_runs() -> None:
    """Parse the project, for the first run of every datamart.

    Raises:
        UserError: the project cannot be read.
    """
    target = shared_target()
    Dbt(target, target, run_variables(), False, lambda line: None, lambda line: None).parse()


if __name__ == "__main__":
    try:
        parse_for_all_runs()
    except UserError as error:
        sys.exit(f"error: {error}")
