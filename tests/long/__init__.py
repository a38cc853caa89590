"""Tests of minutes: crashes, fuzzing, clusters, the real set; each carries the marker `long`."""
