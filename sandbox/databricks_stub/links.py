"""Addresses of the workspace's pages, and the key that opens them."""

from __future__ import annotations

import hashlib
import hmac

from sandbox.databricks_stub.model import JobRun, TaskRun
from sandbox.databricks_stub.settings import Settings

KEY_DIGITS = 16


def page_key(token: str) -> str:
    """The value of `?o=` that opens the pages: digits, as Databricks's workspace id, but derived from the token.

    It stands in run_page_url, which Airflow shows; it opens pages only, never the API, and cannot be
    turned back into the token.
    """
    digest = hmac.new(token.encode(), b"sandbox workspace pages", hashlib.sha256).digest()
    return str(int.from_bytes(digest[:8]) % 10**KEY_DIGITS).zfill(KEY_DIGITS)


def home_url(settings: Settings) -> str:
    """The list of jobs and runs."""
    return f"{settings.url}/?o={page_key(settings.token)}"


def run_page_url(settings: Settings, run: JobRun) -> str:
    """The page of a job_run."""
    return f"{settings.url}/jobs/{run.job_id}/runs/{run.run_id}?o={page_key(settings.token)}"


def task_page_url(settings: Settings, run: JobRun, task: TaskRun) -> str:
    """The page of a task_run: its executed notebook."""
    return f"{settings.url}/jobs/{run.job_id}/runs/{task.run_id}?o={page_key(settings.token)}"
