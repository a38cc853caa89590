"""Shares out the memory that a run may take."""

import re
from dataclasses import dataclass

MIB = 2**20
UNITS = {"MB": 10**6, "GB": 10**9, "MIB": MIB, "GIB": 2**30}

# Measured, and rounded up: what is there before the first row is read.
PYTHON_MIB = 400  # this process with dbt loaded
JVM_MIB = 350  # Spark's JVM outside its heap: classes, compiled code, threads, buffers
SMALLEST_HEAP_MIB = 450  # with less Spark refuses to start
DUCKDB_COUNTS = 0.9  # of the memory that DuckDB takes; buffers of its readers and writers are more
LARGEST_HEAP_MIB = 4096  # Spark sorts and spills; more heap brings it nothing
SMALLEST = (PYTHON_MIB + JVM_MIB + SMALLEST_HEAP_MIB) * MIB
SMALLEST_WITHOUT_SPARK = 2**30


@dataclass(frozen=True)
class MemoryLimit:
    """The memory that the processes of a run may take together, in bytes.

    Spark lands before DuckDB builds, so each may take all that the others leave.
    """

    bytes: int

    @property
    def spark_heap(self) -> str:
        """The largest heap of Spark's JVM, as Java takes it."""
        left = self.bytes // MIB - PYTHON_MIB - JVM_MIB
        return f"{min(left, LARGEST_HEAP_MIB)}m"

    @property
    def duckdb(self) -> str:
        """Memory that DuckDB may hold before it spills to disk, as DuckDB takes it."""
        return f"{int((self.bytes // MIB - PYTHON_MIB) * DUCKDB_COUNTS)}MiB"


def memory_limit(text: str, smallest: int = SMALLEST) -> MemoryLimit:
    """Return a limit as a user writes it, such as 4GB or 1.5GiB; `smallest` is in bytes.

    Raises ValueError when it is none, or too small for the command to start.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(MB|GB|MiB|GiB)", text.strip(), re.IGNORECASE)
    if not found:
        raise ValueError(f"{text!r} is not an amount of memory, expected one such as 4GB or 1.5GiB")
    limit = MemoryLimit(int(float(found[1]) * UNITS[found[2].upper()]))
    if limit.bytes < smallest:
        raise ValueError(f"{text} is too little: at least {smallest // MIB}MiB is needed to start")
    return limit
