"""The leakage proof: rebuilds gold without the future and compares.

May import features, datamart, transform and below.
"""
