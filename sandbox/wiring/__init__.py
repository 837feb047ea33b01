"""The checks of `sandbox validate`; for now: every DAG file imports."""
