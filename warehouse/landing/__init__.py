"""Landing: source files are found, inspected, and appended to bronze with PySpark.

May import contracts, spark and base.
"""
