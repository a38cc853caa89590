"""Run the commands of the project as a user does, in the checkout or in a copy of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from warehouse.base.paths import PROJECT_DIR
from warehouse.transform.dbt_options import shared_target


def user_environment(project: Path = PROJECT_DIR) -> dict[str, str]:
    """Return the environment of a user's terminal: dbt on the path, no variable of the project.

    The package of `project` is found first, so that dbt in a copy of the project runs its code.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": tools, "PYTHONPATH": str(project)}


def run_command(
    *command: object, cwd: Path = PROJECT_DIR, project: Path = PROJECT_DIR, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder with the environment of a user's terminal."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=user_environment(project),
    )


def run_main(*arguments: object, project: Path = PROJECT_DIR) -> subprocess.CompletedProcess[str]:
    """Run `python main.py` of a project with these arguments, in the project's folder."""
    return run_command(sys.executable, "main.py", *arguments, cwd=project, project=project)


def copy_project(target: Path) -> Path:
    """Copy the project's own files (those git knows or would add) and what set-up has parsed."""
    for name in project_files():
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT_DIR / name, destination)
    if shared_target().is_dir():
        shutil.copytree(shared_target(), shared_target(target / "dbt_project"))
    return target


def project_files() -> list[Path]:
    """Return the paths, below the project, of all files that are not ignored by git."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    paths = (Path(name) for name in names.stdout.split("\0") if name)
    return [path for path in paths if (PROJECT_DIR / path).is_file()]
