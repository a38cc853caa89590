"""Serves the features of a day through Feast: repository, online store, feature server.

May import features, datamart and below.

Feast is imported inside the modules that need it, and installed from requirements/serve.lock.
"""
