"""dbt from a terminal, after one run, with no environment variable: it builds in datamart/dev."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_personal_data import leaks, personal_values
from tests.support.project import run_command, user_environment
from warehouse.base.paths import DATA_DIR
from warehouse.datamart.foreign import missing_files


@pytest.fixture(scope="module")
def project(sample_project, tmp_path_factory) -> Path:
    """Return a project with a published datamart of its own; its published run must not change."""
    copy = tmp_path_factory.mktemp("terminal") / "project"
    shutil.copytree(sample_project, copy, symlinks=True)
    yield copy
    run_dir = (copy / "datamart" / "current").resolve()
    assert missing_files(run_dir) == []
    assert [path.name for path in (copy / "datamart" / "runs").iterdir()] == [run_dir.name]


def dbt(project: Path, *arguments: str, cwd: str = "dbt_project") -> subprocess.CompletedProcess:
    return run_command("dbt", *arguments, cwd=project / cwd, project=project)


def test_every_rule_holds_in_its_unit_tests(project):
    result = dbt(project, "test", "--select", "test_type:unit")
    assert result.returncode == 0, result.stdout
    assert "ERROR=0" in result.stdout


def test_dbt_build_works_inside_the_project(project):
    result = dbt(project, "build", "--exclude-resource-type", "unit_test")
    assert result.returncode == 0, result.stdout


def test_dbt_run_works_from_elsewhere_and_reads_what_dev_has(project, tmp_path):
    """One model, from another folder, without anything else in dev; then a model above it."""
    shutil.rmtree(project / "datamart" / "dev", ignore_errors=True)
    folder = str(project / "dbt_project")
    options = ("--project-dir", folder, "--profiles-dir", folder)
    result = run_command(
        "dbt", "run", *options, "--select", "label_store", cwd=tmp_path, project=project
    )
    assert result.returncode == 0, result.stdout
    dev = project / "datamart" / "dev" / "gold"
    assert [path.name for path in dev.iterdir()] == ["label_store.parquet"]
    result = dbt(project, "show", "--inline", "select * from {{ ref('label_store') }}")
    assert result.returncode == 0, result.stdout


def test_two_builds_at_once_do_not_mix(project):
    environment = user_environment(project)
    dbt_path = shutil.which("dbt", path=environment["PATH"])
    command = [dbt_path, "run", "--select", "silver", "--target-path"]
    builds = [
        subprocess.Popen(
            [*command, str(project / target)],
            cwd=project / "dbt_project",
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for target in ("target_1", "target_2")
    ]
    for build in builds:
        output = build.communicate()[0]
        assert build.returncode == 0, output
    silver = project / "datamart" / "dev" / "silver"
    assert not [path for path in silver.iterdir() if path.name.startswith("tmp_")]
    result = dbt(project, "test", "--select", "silver", "--exclude", "test_type:unit")
    assert result.returncode == 0, result.stdout


def test_dbt_show_answers_a_question_about_published_tables(project):
    result = dbt(
        project, "show", "--inline", "select count(*) as loans from {{ ref('training_set') }}"
    )
    assert result.returncode == 0, result.stdout
    assert "loans" in result.stdout


def test_docs_and_freshness_work_and_what_dbt_leaves_names_nobody(project):
    for command in (("docs", "generate"), ("source", "freshness")):
        result = dbt(project, *command)
        assert result.returncode == 0, result.stdout
    left = [
        path
        for folder in ("target", "logs")
        for path in (project / "dbt_project" / folder).rglob("*")
        if path.is_file()
    ]
    assert {"catalog.json", "sources.json", "dbt.log"} <= {path.name for path in left}
    assert leaks(left, personal_values(DATA_DIR)) == []


def test_without_a_datamart_dbt_says_what_to_do(sample_project, tmp_path):
    empty = tmp_path / "project"
    shutil.copytree(sample_project, empty, ignore=shutil.ignore_patterns("datamart"))
    result = dbt(empty, "run")
    assert result.returncode != 0
    assert "python main.py" in result.stdout
