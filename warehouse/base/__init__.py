"""Foundations for all other packages: paths, errors, memory limits, parquet files as views,
ports of servers.

Imports nothing from the other packages.
"""
