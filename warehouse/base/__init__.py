"""Foundations that everything else may use: paths, errors, memory limits, the catalogue of parquet files.

Imports nothing from the other packages.
"""
