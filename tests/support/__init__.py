"""Helpers that tests import as `from tests.support...`; fixtures are in tests/conftest.py."""
