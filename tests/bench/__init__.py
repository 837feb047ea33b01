"""The benchmarks of docs/benchmarks.md: each a ratio against its peer in the same run."""
