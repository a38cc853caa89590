"""Makes the ahead-of-time cache of Spark's JVM: python -m warehouse.landing.java_cache.

From version 25 on a JVM can record which classes it loaded and what it learnt of them, and start
from that record the next time. The record fits one Java and one Spark; a JVM that finds it does
not fit runs without it.
"""

import os
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from warehouse.base.errors import UserError
from warehouse.base.paths import CONTRACTS_FILE, DATA_DIR
from warehouse.contracts.contract import read_contracts
from warehouse.landing import bronze as landing
from warehouse.landing.inspection import inspect_file
from warehouse.landing.java import OLDEST_JAVA_WITH_CACHE, cache_file, java_home, java_version


def make_cache() -> Path | None:
    """Record a landing of the sample; the cache file, or None where the Java is too old for one.

    Raises UserError when there is no Java, or when the landing fails.
    """
    if (java_version(java_home()) or 0) < OLDEST_JAVA_WITH_CACHE:
        return None
    target = cache_file()
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        _land_sample(Path(folder), record_to=made)
        if not made.exists():
            raise UserError(f"{target}: Java wrote no cache; runs are slower without it")
        os.replace(made, target)
    return target


def _land_sample(folder: Path, record_to: Path) -> None:
    """Land the sample as the first load, as one of rows seen before, and as one of a new day."""
    inspections = [
        inspect_file(DATA_DIR / contract.file, contract)
        for contract in read_contracts(CONTRACTS_FILE)
    ]
    log_file, bronze_dir = folder / "spark.log", folder / "bronze"
    days_but_one = {
        inspection.contract.name: replace(
            inspection.days, digests=dict(sorted(inspection.days.digests.items())[:-1])
        )
        for inspection in inspections
        if inspection.days
    }
    spark = landing.start_spark(landing.start_java(log_file, record_to=record_to), "local[*]")
    try:
        for load_id, last_days in enumerate(({}, {}, days_but_one), start=1):
            now = datetime.now(UTC)
            changed = landing.find_changed_rows(inspections, bronze_dir, last_days)
            landing.land(
                spark, inspections, bronze_dir, load_id, now, log_file, changed_rows=changed
            )
    finally:
        landing.stop_spark(spark)


def main() -> int:
    """Make the cache and say where it is."""
    print("recording a start of Spark, once, so that later ones are quicker (about 20 s) ...")
    try:
        made = make_cache()
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Java's cache: {made}" if made else "this Java keeps no cache; Spark starts without it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
