"""dbt: runs the project, gives its compiled models to be run over other inputs, and plugs the datamart into dbt.

May import contracts and base.
"""
