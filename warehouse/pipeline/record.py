"""The record that every run leaves: its manifest and its log, whatever happens to it."""

import contextlib
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from warehouse.base.errors import UserError, first_line
from warehouse.base.files import write_json
from warehouse.base.layout import Datamart
from warehouse.datamart.publish import prune_records
from warehouse.datamart.runs import discard, new_run_id
from warehouse.pipeline.inputs import versions
from warehouse.pipeline.progress import Progress


class Record:
    """The manifest of a run, written when it begins, when it ends, and when it fails.

    As a context manager it turns any error into a UserError of one line, with the trace in the log.
    A run that is killed leaves the manifest of its beginning, with the outcome `unfinished`. A run
    that changes nothing leaves no record.
    """

    def __init__(self, datamart: Datamart, progress: Progress) -> None:
        self.datamart = datamart
        self.progress = progress
        self.run_id = new_run_id(datamart)
        self.log_file = datamart.logs / f"{self.run_id}.log"
        self.manifest: dict[str, Any] = {
            "run_id": self.run_id,
            "started_at": _now(),
            "outcome": "unfinished",
            "versions": versions(),
            "inputs": {"files": []},
        }

    def begin(self, inputs: dict[str, Any]) -> None:
        """Write the manifest of a run that has something to do."""
        self.manifest["inputs"] = inputs
        self.progress.log_to(self.log_file)
        self._write()

    def published(self, figures: dict[str, Any]) -> dict[str, Any]:
        """Return the manifest of a run that is about to be published."""
        self._end("published", **figures)
        return self.manifest

    def finish(self) -> None:
        """Write the manifest of a published run once more, with the seconds of all steps."""
        write_json(self.datamart.runs / self.run_id / "manifest.json", self.manifest)
        self._write()
        prune_records(self.datamart)
        self.progress.log("outcome: published")

    def __enter__(self) -> "Record":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        self.progress.log_to(self.log_file)
        self.progress.log(traceback.format_exc())
        is_stopped = isinstance(error, KeyboardInterrupt)
        run_dir = self.datamart.current_run()
        if run_dir is not None and run_dir.name == self.run_id:
            with contextlib.suppress(OSError):
                self._write()
            raise UserError(
                f"run {self.run_id} is published, but its report was not written"
                f" ({'stopped' if is_stopped else first_line(error)}); run again to write it"
            ) from error
        message = str(error) or type(error).__name__
        self._end("interrupted" if is_stopped else "failed", error=message)
        self.progress.log(f"outcome: {self.manifest['outcome']} {message}")
        discard(self.datamart)
        with contextlib.suppress(OSError):
            self._write()
            prune_records(self.datamart)
        if isinstance(error, Exception) and not isinstance(error, UserError):
            raise UserError(f"{first_line(error)}; the full trace is in {self.log_file}") from error

    def _end(self, outcome: str, **found: Any) -> None:
        # not a copy of the seconds: those of later steps show up in the manifest, too
        ended = {"outcome": outcome, "finished_at": _now(), "seconds": self.progress.seconds}
        self.manifest |= found | ended

    def _write(self) -> None:
        write_json(self.datamart.manifests / f"{self.run_id}.json", self.manifest)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
