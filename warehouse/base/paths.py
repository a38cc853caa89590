"""Where things are, inside the project and inside a datamart."""

import os
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]
DBT_DIR = PROJECT_DIR / "dbt_project"
CONTRACTS_FILE = DBT_DIR / "models" / "bronze" / "_bronze.yml"
DATA_DIR = PROJECT_DIR / "data"
DATAMART_DIR = PROJECT_DIR / "datamart"


def dbt_run_dir() -> Path:
    """The folder that dbt works on: the one main.py builds in, else the published run."""
    building = os.environ.get("WAREHOUSE_BUILD_DIR")
    return (Path(building) if building else DATAMART_DIR / "current").resolve()
