"""The datamart on disk: published runs, manifests, lock, publishing.

May import base.
"""
