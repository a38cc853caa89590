"""One run at a time."""

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.base.errors import UserError
from warehouse.base.layout import Datamart


@contextmanager
def locked(datamart: Datamart) -> Iterator[None]:
    """Hold the datamart's lock. The system frees it when the process ends, however it ends.

    Raises:
        UserError: another process holds it; the message names the process.
    """
    lock = FileLock(datamart.root / "run.lock")
    holder = datamart.root / "run.lock.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"another run is working on {datamart.root}: {_describe(holder)};"
            " wait for it to end, or use another --datamart-dir"
        ) from error
    try:
        with contextlib.suppress(OSError):  # a full disk must not stop a run that needs no space
            holder.write_text(
                json.dumps(
                    {
                        "pid": os.getpid(),
                        "host": platform.node(),
                        "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
                    }
                ),
                encoding="utf-8",
            )
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _describe(holder: Path) -> str:
    try:
        content = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {content['pid']} on {content['host']}, since {content['since']}"
    except (OSError, ValueError, KeyError):
        return "a process that has just started"
