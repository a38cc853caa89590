"""Tests of commands and of the published sample datamart."""
