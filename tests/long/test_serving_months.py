"""The sample served month after month by the commands of a user, and asked for again later."""

import csv
import shutil
from pathlib import Path

import duckdb
import pytest

pytest.importorskip("feast", reason="Feast is not installed (requirements/serve.in)")

from tests.support.project import run_main
from tests.support.serving import features_as_of, running_server, wait_for
from warehouse.base.paths import DATA_DIR
from warehouse.serving.catalogue import Catalogue
from warehouse.serving.materialise import history

pytestmark = pytest.mark.long

# The first day is later than the newest row of the first load, so that the second load adds to it.
CUT, FIRST_DAY, NEXT_MONTH = "2024-06-30", "2024-07-15", "2024-08-15"


def test_a_month_of_the_sample_is_served_without_skew_and_can_be_asked_for_later(tmp_path):
    early, datamart = tmp_path / "early", tmp_path / "datamart"
    early.mkdir()
    for file in DATA_DIR.glob("*.csv"):
        copy_up_to(file, early / file.name, CUT)
    run("--data-dir", early, "--datamart-dir", datamart)
    with running_server(datamart, "--day", FIRST_DAY) as client:
        wanted = features_as_of(datamart, FIRST_DAY)
        features = served_features(datamart)
        assert client.vectors(list(wanted), features) == wanted

        run("--data-dir", DATA_DIR, "--datamart-dir", datamart)
        run("serve", "--datamart-dir", datamart, "--day", NEXT_MONTH, "--no-server")
        wanted = features_as_of(datamart, NEXT_MONTH)
        one, day = next(iter(wanted)), ["scoring_set:as_of_date"]
        wait_for(
            lambda: client.vectors([one], day)[one]["as_of_date"] == wanted[one]["as_of_date"], 30
        )
        assert client.vectors(list(wanted), features) == wanted

    first = history(datamart / "serving")[0]
    kept = datamart / "serving" / "scoring_sets" / first.scoring_set
    then = tmp_path / "then"
    shutil.copytree(datamart, then, symlinks=True)
    options = ["--data-dir", DATA_DIR, "--datamart-dir", then]
    run(*options, "--known-at", first.known_at)
    run("serve", "--datamart-dir", then, "--day", first.day, "--no-server")
    assert history(then / "serving")[-1].features_sha256 == first.features_sha256
    with duckdb.connect() as con:
        rows = con.execute(f"select count(*) from '{kept}'").fetchone()[0]
    assert rows == first.customers


def run(*arguments: object) -> None:
    done = run_main(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def copy_up_to(file: Path, target: Path, day: str) -> None:
    """Copy the rows of a CSV file that are dated up to a day."""
    with file.open(newline="") as source, target.open("w", newline="") as out:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(out, rows.fieldnames, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for row in rows if (row["snapshot_date"] or "") <= day)


def served_features(datamart: Path) -> list[str]:
    catalogue = Catalogue.load(datamart / "serving" / "catalogue.json")
    return [f"{group.name}:{one.name}" for group in catalogue.groups for one in group.features]
