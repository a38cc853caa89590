"""`python -m tests.support.no_links ...`: main.py on a file system that has no links."""

import os
import sys
from typing import Any, NoReturn

from warehouse.cli.main import main


def refuse(*_: Any, **__: Any) -> NoReturn:
    """Fail as a file system without links does."""
    raise OSError("links are not supported")


if __name__ == "__main__":
    os.symlink = os.link = refuse
    sys.exit(main())
