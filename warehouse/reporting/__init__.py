"""The report and the slides of a published datamart.

May import modelling, datamart, transform and below.
"""
