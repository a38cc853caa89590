"""dbt from a terminal, after one run, with no environment variable: it builds in datamart/dev."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.personal import leaks, personal_values
from tests.support.project import run_command, user_environment
from warehouse.base.paths import DATA_DIR
from warehouse.datamart.foreign import missing_files
from warehouse.notebook.lab import lab_environment


@pytest.fixture(scope="module")
def project(sample_project, tmp_path_factory) -> Path:
    """Return a project with a published datamart of its own; its published run must not change.

    Its first command parses the project, the others reuse that.
    """
    copy = tmp_path_factory.mktemp("terminal") / "project"
    shutil.copytree(sample_project, copy, symlinks=True)
    yield copy
    run_dir = (copy / "datamart" / "current").resolve()
    assert missing_files(run_dir) == []
    assert [path.name for path in (copy / "datamart" / "runs").iterdir()] == [run_dir.name]


def dbt(project: Path, *arguments: object, cwd: Path | None = None) -> str:
    """Run dbt, by default inside the project; return what it says."""
    done = run_command("dbt", *arguments, cwd=cwd or project / "dbt_project", project=project)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_without_a_datamart_dbt_says_what_to_do(project):
    datamart = project / "datamart"
    hidden = datamart.rename(project / "hidden")
    done = run_command("dbt", "run", cwd=project / "dbt_project", project=project)
    shutil.rmtree(datamart, ignore_errors=True)
    hidden.rename(datamart)
    assert done.returncode != 0
    assert "python main.py" in done.stdout


def test_a_build_inside_the_project_and_one_in_jupyterlab_at_once_do_not_mix(project, tmp_path):
    """The first is of everything, unit tests and all; `show` reads what they made.

    From another folder the project is found by JupyterLab's environment, or by options.
    """
    folder = project / "dbt_project"
    lab = lab_environment(project / "datamart")
    environment = user_environment(project)
    in_lab = environment | lab
    in_lab |= {name: str(folder) for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR")}
    target = project / "target_of_lab"
    shutil.copytree(folder / "target", target)
    part = ("run", "--select", "label_store", "--target-path", str(target))
    builds = [
        subprocess.Popen(
            [shutil.which("dbt", path=env["PATH"]), *command],
            cwd=cwd,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command, cwd, env in ((("build",), folder, environment), (part, tmp_path, in_lab))
    ]
    for build in builds:
        output = build.communicate()[0]
        assert build.returncode == 0, output
        assert "ERROR=0" in output
    dev, published = (project / "datamart" / name / "gold" for name in ("dev", "current"))
    assert {path.name for path in dev.iterdir()} == {path.name for path in published.iterdir()}
    query = """select loan_id, fe_1, seen_on from ({{ as_of_join(
        ref('label_store'), ref('clickstream'), ['customer_id'], ['fe_1'], date_alias='seen_on',
        **source_rule('feature_clickstream')
    ) }})"""
    options = ("--project-dir", folder, "--profiles-dir", folder)
    assert "seen_on" in dbt(project, "show", *options, "--inline", query, cwd=tmp_path)
    check_that_what_dbt_leaves_names_nobody(project, "manifest.json")


@pytest.mark.long
def test_docs_are_generated(project):
    dbt(project, "docs", "generate")
    check_that_what_dbt_leaves_names_nobody(project, "catalog.json")


def check_that_what_dbt_leaves_names_nobody(project: Path, written: str) -> None:
    folders = [project / "dbt_project" / name for name in ("target", "logs")]
    left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert {written, "dbt.log"} <= {path.name for path in left}
    assert leaks(left, personal_values(DATA_DIR)) == []
