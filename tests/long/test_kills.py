"""Fifty killed runs, with links and without."""

import pytest

from tests.support.project import run_command
from tests.support.survival import (
    MAIN,
    MAIN_WITHOUT_LINKS,
    kill_at_random_instants,
    project_of_patterns,
)

pytestmark = pytest.mark.long


@pytest.mark.parametrize("main", [MAIN, MAIN_WITHOUT_LINKS], ids=["links", "no links"])
def test_killed_runs_leave_the_last_good_one_and_the_next_recovers(
    datamart, data_dir, tmp_path, main
):
    project = project_of_patterns(tmp_path / "project")
    command = (*main, "--rebuild", "--data-dir", data_dir, "--datamart-dir", datamart)
    assert run_command(*command, cwd=project, project=project).returncode == 0
    kill_at_random_instants(project, datamart, data_dir, seed=2, builds=20, loads=30, main=main)
