"""A spine of a million applications gets its features within the memory that was given."""

import os
import subprocess
import sys

import duckdb
import pytest

from tests.support.project import user_environment
from warehouse.base.paths import PROJECT_DIR

pytestmark = pytest.mark.long

ROWS = 1_000_000
LIMIT_KIB = 2 * 2**20  # of --memory-limit 2GiB


def test_a_million_rows_stay_within_the_memory_limit(sample_datamart, tmp_path):
    """Peak measured when written: 1.75 GiB, in 150 CPU seconds."""
    spine, out, log = tmp_path / "spine.csv", tmp_path / "out.parquet", tmp_path / "log"
    customers = sample_datamart / "silver" / "customer_attributes.parquet"
    duckdb.execute(
        f"""
        copy (
            select customer_id, date '2023-01-05' + cast(range % 700 as int) as application_date,
                range as place, 10000 + range % 5 as loan_amt
            from range({ROWS})
            inner join (
                select customer_id, row_number() over (order by customer_id) as customer
                from (select distinct customer_id from '{customers}')
            ) on customer = 1 + range % 400
        ) to '{spine}' (header)
        """
    )
    command = [sys.executable, "main.py", "features", "--datamart-dir", str(sample_datamart)]
    command += ["--spine", str(spine), "--out", str(out), "--memory-limit", "2GiB"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT_DIR, env=user_environment(), stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, log.read_text()
    assert usage.ru_maxrss < LIMIT_KIB
    found = duckdb.execute(
        f"select count(*), count(distinct place), count(fe_1) > {ROWS // 2} from '{out}'"
    ).fetchone()
    assert found == (ROWS, ROWS, True)
