"""Work with Spark in a process of its own.

Spark's JVM ends only with the Python that started it. Here that is a child, so that the JVM's
memory is free again for what follows, and a run that is killed leaves no Spark at work.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from warehouse.base.errors import UserError
from warehouse.spark.session import signals_deferred

END_SECONDS = 10

T = TypeVar("T")
Report = Callable[[str], None]


def run_in_child(work: Callable[..., T], *arguments: Any, report: Report) -> T:
    """Call `work(*arguments, report)` in a child process and return what it returns.

    Work, arguments and result must be picklable. Lines that the work reports come to `report`.

    Raises:
        UserError: the work raised one, or its process ended without a result.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(sender, work, arguments), daemon=True)
    try:
        with signals_deferred():
            child.start()
        sender.close()
        while True:
            kind, value = receiver.recv()
            if kind == "line":
                report(value)
            elif kind == "error":
                raise value
            else:
                child.join()
                return value  # type: ignore[no-any-return]
    except EOFError:
        child.join()
        raise UserError(
            f"the process of Spark ended with exit code {child.exitcode} before its work was done;"
            " is there enough memory?"
        ) from None
    finally:
        child.terminate()
        child.join(END_SECONDS)
        child.kill()
        child.join()


def _work(sender: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to stop Spark before the end
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        sender.send(("result", work(*arguments, lambda line: sender.send(("line", line)))))
    except KeyboardInterrupt:
        return  # Ctrl-C reaches the parent too
    except BaseException as error:
        sender.send(("error", error if isinstance(error, UserError) else UserError(repr(error))))


def _end_with_parent() -> None:
    """End this process as the parent would, and Spark's JVM with it, when the parent is gone."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
