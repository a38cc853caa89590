"""The loan-default warehouse: raw CSV files in, a point-in-time feature and label store out."""

from warehouse.cli.main import run_and_exit

if __name__ == "__main__":
    run_and_exit()
