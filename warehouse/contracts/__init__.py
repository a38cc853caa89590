"""The contracts of the sources: their files, columns, keys, dates and feature groups.

May import base.
"""
