"""Files in any order and wrapping: what bronze has last of a row is what was delivered last."""

import random
from pathlib import Path

import pytest

from tests.support.landing import Lander, csv_text

DAYS = ("2023-01-01", "2023-02-01", "2023-02-30", "")
KEYS = ("L1", "L2 ", " L2", "L2_", "L3", "", "_")
FILES = ("loans_a.csv", "loans_b.csv.gz", "month/loans_c.csv", "month/loans_d.csv.gz")
Row = tuple[str, str, str]


def delivered(rng: random.Random, old: list[str] | None) -> list[str]:
    """Return the lines of the next version of a file: a part of the old ones, and others."""
    kept = [line for line in old or [] if rng.random() < 0.7]
    for _ in range(rng.randint(1, 4)):
        day = rng.choice(DAYS[:2] if rng.random() < 0.8 else DAYS)
        line = f"{rng.choice(KEYS)},{rng.choice('abc')},{day}"
        kept.insert(rng.randint(0, len(kept)), rng.choice([line] * 9 + [line + ",more"]))
    # most rows have a date: else the file would be refused
    return [*kept, *(f"G{number},g,2023-03-01" for number in range(len(kept) + 1))]


def identity(line: str) -> Row | tuple[str, str]:
    """Return key and date of a row, or all of it where it has none."""
    key, note, *rest = line.split(",")
    cleaned = key.strip(" ").rstrip("_ ")
    is_keyed = len(rest) == 1 and cleaned and rest[0] in (*DAYS[:2], "2023-03-01")
    return (cleaned, rest[0]) if is_keyed else (key, note, ",".join(rest))


def last_of_bronze(lander: Lander) -> dict[object, str]:
    """Return, by key and date, the line that bronze has last, put together again."""
    lines = lander.rows(
        "coalesce(_malformed_line, concat_ws(',', coalesce(loan_id, ''), coalesce(note, ''),"
        " coalesce(snapshot_date, _snapshot_date_text, '')))"
    )
    return {identity(line): line for (line,) in lines}


def check_history(seed: int, spark: object, folder: Path, loads: int) -> None:
    rng = random.Random(seed)
    lander = Lander(spark, folder)
    files: dict[str, list[str]] = {}
    last: dict[object, str] = {}
    for _ in range(loads):
        names = sorted(rng.sample(FILES, rng.choice((1, 1, 2, 3))))
        changed = {name: delivered(rng, files.get(name)) for name in names}
        files |= changed
        ends = rng.choice(("\n", "\r\n"))
        landed = lander.land(
            {name: csv_text(*lines).replace("\n", ends) for name, lines in changed.items()}
        )
        assert sorted(file.source_file for file in landed) == names
        assert [file.rows_in_file for file in landed] == [len(changed[name]) for name in names]
        for file in landed:
            assert file.rows_landed + file.rows_seen_before == file.rows_in_file
        delivery = {identity(line): line for name in names for line in changed[name]}
        news = [key for key, line in delivery.items() if last.get(key) != line]
        last |= delivery
        assert last_of_bronze(lander) == last
        rows = [identity(line) for name in names for line in changed[name]]
        assert sum(file.rows_landed for file in landed) == sum(key in news for key in rows)
        if rng.random() < 0.3:
            gone = rng.choice(list(files))
            (lander.data / gone).unlink(missing_ok=True)
            if any(lander.data.rglob("loans*")):
                assert lander.inspect().to_land == ()


def test_bronze_says_last_what_was_delivered_last(spark, tmp_path):
    check_history(0, spark, tmp_path, loads=5)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 140))
def test_bronze_says_last_what_was_delivered_last_in_long_histories(spark, tmp_path, seed):
    check_history(seed, spark, tmp_path, loads=12)
