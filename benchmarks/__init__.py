"""Benchmarks: what a run costs beside the least that its work takes; see results/README.md."""
