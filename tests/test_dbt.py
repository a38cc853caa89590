"""dbt from a terminal, after one run, with no environment variable."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import environment, run_main
from tests.test_personal_data import leaks, personal_values
from warehouse.base.paths import DATA_DIR


@pytest.fixture(scope="module")
def project(unpacked_project, sample_run, tmp_path_factory) -> Path:
    """A project with a published datamart of its own, which dbt may change."""
    copy = tmp_path_factory.mktemp("terminal") / "project"
    shutil.copytree(unpacked_project, copy, symlinks=True)
    return copy


def dbt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["dbt", *arguments], cwd=folder, capture_output=True, text=True, env=environment()
    )


def test_every_rule_holds_in_its_unit_tests(project):
    result = dbt(project / "dbt_project", "test", "--select", "test_type:unit")
    assert result.returncode == 0, result.stdout
    assert "ERROR=0" in result.stdout


def test_dbt_build_works_inside_the_project(project):
    result = dbt(project / "dbt_project", "build", "--exclude-resource-type", "unit_test")
    assert result.returncode == 0, result.stdout


def test_dbt_run_works_from_the_root_and_for_one_model(project):
    published = project / "datamart" / "gold" / "label_store.parquet"
    published.unlink()
    result = dbt(project, "run", "--project-dir", "dbt_project", "--select", "label_store")
    assert result.returncode == 0, result.stdout
    assert published.exists()


def test_dbt_show_answers_a_question_about_published_tables(project):
    result = dbt(
        project / "dbt_project",
        *("show", "--inline", "select count(*) as loans from {{ ref('training_set') }}"),
    )
    assert result.returncode == 0, result.stdout
    assert "loans" in result.stdout


def test_docs_and_freshness_work_and_what_dbt_leaves_names_nobody(project):
    for command in (("docs", "generate"), ("source", "freshness")):
        result = dbt(project / "dbt_project", *command)
        assert result.returncode == 0, result.stdout
    left = [
        path
        for folder in ("target", "logs")
        for path in (project / "dbt_project" / folder).rglob("*")
        if path.is_file()
    ]
    assert {"catalog.json", "sources.json", "dbt.log"} <= {path.name for path in left}
    assert leaks(left, personal_values(DATA_DIR)) == []


def test_empty_tables_are_never_published(project):
    result = dbt(project / "dbt_project", "run", "--empty")
    assert result.returncode != 0
    assert "--empty" in result.stdout


def test_the_next_run_makes_anew_what_dbt_changed(project):
    assert (project / "datamart" / "current" / "touched_by_dbt.json").exists()
    result = run_main(project=project)
    assert result.returncode == 0, result.stderr
    assert "Nothing to do" not in result.stdout
    assert not (project / "datamart" / "current" / "touched_by_dbt.json").exists()


def test_without_a_datamart_dbt_says_what_to_do(unpacked_project, tmp_path):
    empty = tmp_path / "project"
    shutil.copytree(unpacked_project, empty, ignore=shutil.ignore_patterns("datamart"))
    result = dbt(empty / "dbt_project", "run")
    assert result.returncode != 0
    assert "python main.py" in result.stdout
