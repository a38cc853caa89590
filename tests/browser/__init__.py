"""Tests of the report and the dbt docs in a headless browser."""
