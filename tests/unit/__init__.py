"""Tests of one function or model at a time, without a published datamart."""
