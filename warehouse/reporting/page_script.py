"""The script that draws charts in a page: python -m warehouse.reporting.page_script keeps it ready.

Bundling it takes 1.4 s, which every run would wait for. It is kept in the folder of the package
that makes it, under the versions it is made of; where it is missing it is made again.
"""

import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import vl_convert

from warehouse.base.errors import UserError
from warehouse.base.files import write_text
from warehouse.reporting.theme import VEGALITE_VERSION


@cache
def page_script() -> str:
    """Return the script that draws Vega-Lite charts in a page, with all that it needs."""
    kept = _kept_script()
    return kept.read_text(encoding="utf-8") if kept.exists() else _bundle()


def keep_script() -> None:
    """Write the script for all runs of this machine.

    Raises:
        UserError: the folder of the package cannot be written.
    """
    try:
        write_text(_kept_script(), _bundle())
    except OSError as error:
        raise UserError(f"the script of charts could not be kept: {error.strerror}") from error


def _bundle() -> str:
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGALITE_VERSION)


def _kept_script() -> Path:
    name = f"page_script_{version('vl-convert-python')}_{VEGALITE_VERSION}.js"
    return Path(vl_convert.__file__).parent / name


if __name__ == "__main__":
    try:
        keep_script()
    except UserError as error:
        sys.exit(f"error: {error}")
