"""The sample served month after month by the commands of a user, and asked for again later."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.support.project import run_main, user_environment
from tests.support.serving import (
    features_as_of,
    needs_feast,
    running_server,
    served_features,
    wait_for,
)
from warehouse.base.paths import DATA_DIR, PROJECT_DIR
from warehouse.serving.history import history

pytestmark = [pytest.mark.long, needs_feast]

# The first day is later than the newest row of the first load, so that the second load adds to it.
CUT, FIRST_DAY, NEXT_MONTH = "2024-06-30", "2024-07-15", "2024-08-15"


@pytest.fixture(scope="module")
def early(tmp_path_factory) -> Path:
    """A data folder with the rows up to the cut."""
    folder = tmp_path_factory.mktemp("early")
    copy_data(folder, f"snapshot_date <= '{CUT}'")
    return folder


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> Path:
    """A data folder with all rows, those of the clickstream's spring corrected."""
    folder = tmp_path_factory.mktemp("later")
    copy_data(folder, "true", corrected=f"snapshot_date between '2024-04-01' and '{CUT}'")
    return folder


def copy_data(folder: Path, condition: str, corrected: str = "false") -> None:
    """Copy the rows of the sample that meet a condition, those of another with another fe_1."""
    for file in DATA_DIR.glob("*.csv"):
        with file.open(newline="") as lines:
            names = next(csv.reader(lines))
        values = f"* replace (if({corrected}, '77', fe_1) as fe_1)" if "fe_1" in names else "*"
        duckdb.execute(
            f"copy (select {values} from read_csv('{file}', header = true, all_varchar = true,"
            f" null_padding = true, strict_mode = false) where {condition})"
            f" to '{folder / file.name}' (header)"
        )


def run(*arguments: object) -> None:
    done = run_main(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def kill_while_serving(datamart: Path, day: str) -> None:
    """Kill a materialisation when it has written the largest group."""
    command = [sys.executable, "-u", "main.py", "serve", "--datamart-dir", str(datamart)]
    with subprocess.Popen(
        [*command, "--day", day, "--no-server"],
        cwd=PROJECT_DIR,
        env=user_environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as killed:
        for line in killed.stdout:
            if line.startswith("clickstream: "):
                killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL


def test_months_are_served_without_skew_and_can_be_asked_for_later(early, later, tmp_path):
    datamart = tmp_path / "datamart"
    run("--data-dir", early, "--datamart-dir", datamart)
    with running_server(datamart, "--day", FIRST_DAY) as client:
        then = features_as_of(datamart, FIRST_DAY)
        features = served_features(datamart)
        assert client.vectors(list(then), features) == then

        run("--data-dir", later, "--datamart-dir", datamart)
        kill_while_serving(datamart, NEXT_MONTH)
        assert client.vectors(list(then), features) == then

        run("serve", "--datamart-dir", datamart, "--day", NEXT_MONTH, "--no-server")
        wanted = features_as_of(datamart, NEXT_MONTH)
        one, day = next(iter(wanted)), ["scoring_set:as_of_date"]
        wait_for(
            lambda: client.vectors([one], day)[one]["as_of_date"] == wanted[one]["as_of_date"], 30
        )
        assert client.vectors(list(wanted), features) == wanted

    # the recipe of docs/serving.md: the datamart as of the load that was served from
    assert features_as_of(datamart, FIRST_DAY) != then
    served = history(datamart / "serving")[0]
    copy = tmp_path / "then"
    subprocess.run(["cp", "-a", datamart, copy], check=True)
    run("--data-dir", later, "--datamart-dir", copy, "--known-at", served.known_at)
    assert features_as_of(copy, served.day) == then
