"""dbt: runs the project, runs its compiled models over other inputs, shows it the datamart.

May import contracts and base.
"""
