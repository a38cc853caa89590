"""Tests of the dbt models, macros and data tests on small inputs."""
