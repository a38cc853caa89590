"""Benchmarks: a run compared with the least that its work takes; see results/README.md."""
