"""Where things are inside the project."""

from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]
DBT_DIR = PROJECT_DIR / "dbt_project"
CONTRACTS_FILE = DBT_DIR / "models" / "bronze" / "_bronze.yml"
DATA_DIR = PROJECT_DIR / "data"
DATAMART_DIR = PROJECT_DIR / "datamart"
