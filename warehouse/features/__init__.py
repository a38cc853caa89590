"""Features for a caller: scoring sets, spines of the caller's own, where each value came from.

May import datamart, transform, contracts and base.
"""
