"""Fifty killed runs, with links and without."""

import random

import pytest

from tests.support.survival import MAIN, MAIN_WITHOUT_LINKS, Instant, kill_and_recover

pytestmark = pytest.mark.long

LINES_OF_A_BUILD = 33  # that a run prints when it has nothing to land
LINES_OF_A_RUN = 40


def random_instants(rng: random.Random, count: int, has_new_rows: bool) -> list[Instant]:
    """Return instants at a random line and a random moment after it, one in each part of a run."""
    lines = LINES_OF_A_RUN if has_new_rows else LINES_OF_A_BUILD
    return [
        Instant(int((part + rng.random()) / count * lines), rng.uniform(0, 0.5), has_new_rows)
        for part in range(count)
    ]


@pytest.mark.parametrize("main", [MAIN, MAIN_WITHOUT_LINKS], ids=["links", "no links"])
def test_killed_runs_leave_the_last_good_one_and_the_next_recovers(datamart, data_dir, main):
    rng = random.Random(2)
    instants = [*random_instants(rng, 20, False), *random_instants(rng, 30, True)]
    kill_and_recover(datamart, data_dir, instants, main)
