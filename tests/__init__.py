"""Tests by kind: unit, dbt, integration, browser and long; what they share is in support."""
