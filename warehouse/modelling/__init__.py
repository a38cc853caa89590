"""The baseline credit model and the predictive power of feature groups.

May import datamart, transform and base.
"""
