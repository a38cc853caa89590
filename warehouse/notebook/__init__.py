"""SQL in JupyterLab: the connection, SQL cells, and the servers of JupyterLab and the dbt docs.

May import features, datamart, transform and below.
"""
