"""The packages of the project import only from packages below them (pyproject.toml)."""

import subprocess
import sys
from pathlib import Path

from warehouse.base.paths import PROJECT_DIR


def test_packages_import_only_from_packages_below_them():
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([command], cwd=PROJECT_DIR, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
