"""assemble: all parts of one workspace, wired together; start and stop as ordered lists."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp

from sandbox.databricks_stub.app import build_app
from sandbox.databricks_stub.bundle import BundleWatcher
from sandbox.databricks_stub.clock import Clock, Ids, RandomIds, SystemClock
from sandbox.databricks_stub.context import Services
from sandbox.databricks_stub.execution import RunsNotebooks, TaskExecutor
from sandbox.databricks_stub.git_folders import GitFolders
from sandbox.databricks_stub.job_catalog import JobCatalog
from sandbox.databricks_stub.kernel.warehouse import Warehouse
from sandbox.databricks_stub.settings import Settings
from sandbox.databricks_stub.sources import SourceFinder
from sandbox.databricks_stub.statement_runner import RunsSql, StatementRunner
from sandbox.databricks_stub.store import FakeWorkspace, open_workspace
from sandbox.databricks_stub.worker import Worker

STOP_SECONDS = 3.0

# Measured 2026-11, provider 7.6.0: a deferrable operator takes a run that has already failed when it first looks for a
# success (af#53904). On Databricks nothing fails that fast; here a missing notebook would, so a failure waits a little.
FAILURE_DELAY_MS = 3000


class Runner(RunsNotebooks, RunsSql, Protocol):
    """What a workspace needs of NotebookRunner."""

    def start(self) -> None:
        """Warm up."""
        ...

    def close(self) -> None:
        """End every kernel."""
        ...


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A workspace that can be started and stopped once."""

    app: ASGIApp
    services: Services
    worker: Worker
    statements: StatementRunner
    runner: Runner

    def start(self) -> None:
        """Recover what a former process left, and go on with it."""
        self.services.git_folders.start()
        self.runner.start()
        self.statements.start()
        self.worker.start()

    def stop(self) -> None:
        """End what runs (it goes on after the next start), and release everything."""
        self.statements.stop()
        self.worker.stop(STOP_SECONDS)
        self.runner.close()
        self.services.workspace.close()


def assemble(
    settings: Settings,
    runner: Runner,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    failure_delay_ms: int = FAILURE_DELAY_MS,
    log: Callable[[str], None] = print,
    on_change: Callable[[], None] = lambda: None,
) -> Workspace:
    """The parts of a workspace with these settings; nothing runs yet."""
    clock = clock or SystemClock()
    store = open_workspace(settings.state_dir, clock, ids or RandomIds())
    watcher = BundleWatcher(
        settings.bundle,
        settings.bundle_target,
        host=settings.url,
        environ=os.environ,
        required=settings.bundle_required,
    )
    worker = Worker(
        store.runs,
        _executor(settings, runner, store, watcher),
        clock,
        max_parallel_tasks=settings.max_parallel_tasks,
        failure_delay_ms=failure_delay_ms,
        log=log,
        on_change=on_change,
    )
    statements = StatementRunner(
        store.statements, runner, catalog=settings.catalog, schema=next(iter(settings.schemas), "default"), log=log
    )
    services = Services(
        settings=settings,
        workspace=store,
        catalog=JobCatalog(store=store.jobs, watcher=watcher),
        watcher=watcher,
        worker=worker,
        statements=statements,
        warehouse=Warehouse(settings.warehouse_dir),
        git_folders=GitFolders(store.objects, settings.repos_dir),
        clock=clock,
    )
    return Workspace(
        app=build_app(services, log), services=services, worker=worker, statements=statements, runner=runner
    )


def _executor(settings: Settings, runner: Runner, store: FakeWorkspace, watcher: BundleWatcher) -> TaskExecutor:
    return TaskExecutor(
        runs=store.runs,
        runner=runner,
        sources=SourceFinder(
            objects=store.objects, watcher=watcher, project_root=settings.project_root, repos=settings.repos_dir
        ),
        state_dir=settings.state_dir,
        workspace_url=settings.url,
    )
