"""Do what docs/adding_a_source.md says: its blocks, put into a copy of the project."""

import re
from pathlib import Path

from warehouse.base.paths import PROJECT_DIR

TUTORIAL = PROJECT_DIR / "docs" / "adding_a_source.md"
STEP = re.compile(
    r"^(?P<how>New file|At the end of|In) `(?P<file>[^`]+)`"
    r"(?:, below the line that begins with `(?P<line>[^`]+)`)?:\n\n"
    r"```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def follow_tutorial(project: Path) -> None:
    """Add the tutorial's source to a project: new files, and text at the end or below a line."""
    tutorial = TUTORIAL.read_text()
    steps = list(STEP.finditer(tutorial))
    blocks = len(re.findall(r"^```(?:yaml|sql)$", tutorial, re.MULTILINE))
    assert len(steps) == blocks, "a block of the tutorial does not say where it goes"
    for step in steps:
        path, text = project / step["file"], step["text"]
        assert path.exists() == (step["how"] != "New file")
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        place = len(lines)
        if step["how"] == "In":
            (line,) = (n for n, line in enumerate(lines) if line.startswith(step["line"]))
            place = line + 1
        path.write_text("".join([*lines[:place], text, *lines[place:]]))
