"""Shows a run's progress: one live line a step in a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Progress:
    """Reports steps to the terminal and to the run's log, and keeps their times in seconds.

    Attributes:
        seconds: seconds of each step.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}
        self._status: Status | None = None
        self._step = ""
        self._log_file: Path | None = None

    def log_to(self, path: Path) -> None:
        """From here on also write every line, with its time, to this file."""
        self._log_file = path

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[None]:
        """Time a step and show it while it works."""
        started = time.monotonic()
        self._step = doing
        self.log(doing)
        if self.console.is_terminal:
            self._status = self.console.status(doing)
            self._status.start()
        else:
            self._print(f"{doing} ...")
        try:
            yield
        finally:
            if self._status:
                self._status.stop()
                self._status = None
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
        line = f"{doing}: done in {self.seconds[name]:.1f} s"
        self.log(line)
        self._print(f"{'[green]✓[/green]' if self.console.is_terminal else ' '} {line}")

    def detail(self, text: str) -> None:
        """Show how far the present step is."""
        self.log(text)
        if self._status:
            self._status.update(f"{self._step}: {text}")
        elif not self.console.is_terminal:
            self._print(f"  {escape(text)}")

    def warn(self, text: str) -> None:
        """Print a warning and write it to the log."""
        self.log(f"warning: {text}")
        self._print(f"[yellow]warning:[/yellow] {escape(text)}")

    def log(self, text: str) -> None:
        """Write a line to the log alone."""
        if self._log_file:
            # a full disk ends the run elsewhere
            with contextlib.suppress(OSError), self._log_file.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%H:%M:%S', time.gmtime())} {text}\n")

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)
