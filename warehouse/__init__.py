"""The loan-default warehouse: land, build, test and publish."""
