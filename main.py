"""The loan-default warehouse: raw CSV files in, a point-in-time feature and label store out."""

import sys

from warehouse.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
