"""Foundations for all other packages: paths, errors, memory limits, parquet files as views.

Imports nothing from the other packages.
"""
