"""Notebooks executed for real: each task in a Jupyter kernel of its own, forked from a warm process."""

from __future__ import annotations

from sandbox.databricks_stub.notebook.model import Column, NotebookOutcome, NotebookTask, SqlError, SqlResult
from sandbox.databricks_stub.notebook.runner import NotebookRunner

__all__ = ["Column", "NotebookOutcome", "NotebookRunner", "NotebookTask", "SqlError", "SqlResult"]
