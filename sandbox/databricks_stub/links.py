"""Addresses of the workspace's pages."""

from __future__ import annotations

from sandbox.databricks_stub.model import JobRun, TaskRun
from sandbox.databricks_stub.settings import Settings, page_key


def run_page_url(settings: Settings, run: JobRun) -> str:
    """The page of a job_run."""
    return f"{settings.url}/jobs/{run.job_id}/runs/{run.run_id}?o={page_key(settings.token)}"


def task_page_url(settings: Settings, run: JobRun, task: TaskRun) -> str:
    """The page of a task_run: its executed notebook."""
    return f"{settings.url}/jobs/{run.job_id}/runs/{task.run_id}?o={page_key(settings.token)}"
