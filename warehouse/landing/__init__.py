"""Landing: inspects source files and appends them to bronze with PySpark.

May import contracts and base.
"""
