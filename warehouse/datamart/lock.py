"""One run at a time."""

import contextlib
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
    lock, holder = FileLock(datamart.root / "run.lock"), datamart.root / "run.lock.txt"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"another run is working on {datamart.root}: {_read(holder)};"
            " wait for it to end, or use another --datamart-dir"
        ) from error
    try:
        with contextlib.suppress(OSError):  # a full disk must not stop a run that needs no space
            now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
            holder.write_text(f"process {os.getpid()} on {platform.node()}, since {now}", "utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _read(holder: Path) -> str:
    with contextlib.suppress(OSError):
        return holder.read_text("utf-8")
    return "a process that has just started"
