"""Do what docs/adding_a_source.md says: its blocks, put into a copy of the project."""

import re
from dataclasses import dataclass
from pathlib import Path

from warehouse.base.paths import PROJECT_DIR

TUTORIAL = PROJECT_DIR / "docs" / "adding_a_source.md"
STEP = re.compile(
    r"^(?P<how>New file|At the end of|In) `(?P<file>[^`]+)`"
    r"(?:, below the line that begins with `(?P<line>[^`]+)`)?:\n\n"
    r"```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """A block of the tutorial: a new file, or text for the end of one or below a line of it."""

    how: str
    file: str
    line: str | None
    text: str

    def do(self, project: Path) -> None:
        """Make the change in a project."""
        path = project / self.file
        if self.how == "New file":
            assert not path.exists()
            path.write_text(self.text)
        elif self.how == "At the end of":
            path.write_text(path.read_text() + self.text)
        else:
            lines = path.read_text().splitlines(keepends=True)
            (place,) = (n for n, line in enumerate(lines) if line.startswith(str(self.line)))
            path.write_text("".join([*lines[: place + 1], self.text, *lines[place + 1 :]]))


def steps() -> list[Step]:
    """Return the steps of the tutorial, in its order."""
    found = [Step(**step.groupdict()) for step in STEP.finditer(TUTORIAL.read_text())]
    blocks = len(re.findall(r"^```(?:yaml|sql)$", TUTORIAL.read_text(), re.MULTILINE))
    assert len(found) == blocks, "a block of the tutorial does not say where it goes"
    return found


def follow_tutorial(project: Path) -> None:
    """Add the tutorial's source to a project."""
    for step in steps():
        step.do(project)
