"""A fake Databricks workspace served over HTTP: it executes notebooks for real.

An island: started only as `python -m sandbox.databricks_stub`, by the interpreter of the runtime `workspace`; it
imports nothing else of `sandbox`.
"""
