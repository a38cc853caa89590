"""Source contracts: what a source file must look like, read from dbt's bronze sources file.

May import base.
"""
