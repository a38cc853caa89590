"""How the memory of a run is shared out."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.base.catalog import SPILL_DIR, set_memory
from warehouse.base.memory import JVM_MIB, MIB, PYTHON_MIB, SMALLEST, MemoryLimit, memory_limit


@pytest.mark.parametrize(
    ("text", "amount"),
    [("4GB", 4 * 10**9), ("1.5GiB", 3 * 2**29), ("2048 MiB", 2**31), ("1300mb", 1_300_000_000)],
)
def test_a_limit_is_read_as_a_person_writes_it(text, amount):
    assert memory_limit(text).bytes == amount


@pytest.mark.parametrize("text", ["", "4", "GB", "four GB", "-4GB", "4TB", "500MB", "1.1GiB"])
def test_what_is_no_limit_or_too_small_a_one_is_refused(text):
    with pytest.raises(ValueError, match=r"is not an amount|is too little"):
        memory_limit(text)


@given(st.integers(SMALLEST, 2**40))
def test_all_shares_together_stay_within_the_limit(amount):
    limit = MemoryLimit(amount)
    heap = int(limit.spark_heap.removesuffix("m"))
    held = int(limit.duckdb.removesuffix("MiB"))
    assert heap >= 450
    assert (heap + JVM_MIB + PYTHON_MIB) * MIB <= amount
    assert (held + PYTHON_MIB) * MIB <= amount


def test_what_memory_cannot_hold_is_spilled_to_disk(tmp_path):
    with duckdb.connect(config={"threads": 1}) as con:
        set_memory(con, tmp_path, "64MiB")
        con.execute(
            "create table wide as select range as a, repeat('x', 200) as b from range(2000000)"
        )
        assert con.execute("select count(distinct a) from wide").fetchone() == (2_000_000,)
        assert any((tmp_path / SPILL_DIR).iterdir())
    assert not (tmp_path / SPILL_DIR).exists()
