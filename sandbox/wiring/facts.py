"""Everything that the rules look at, gathered once: settings, DAGs, bundle, notebooks as its tasks call them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.wiring.bundle import BRACKETS, REFERENCE, BundleFacts, BundleUnreadable, Job, Task, read_bundle
from sandbox.wiring.memory import Memory
from sandbox.wiring.notebooks.facts import NotebookFacts
from sandbox.wiring.notebooks.reader import Reader
from sandbox.wiring.notebooks.values import HOLE
from sandbox.wiring.settings import WiringSettings
from sandbox.wiring.sources import DagSources, read_sources

JOB_PARAMETER = "job.parameters."


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A task of a DAG that runs something on Databricks."""

    dag_id: str
    file: str
    task_id: str
    operator: str
    given: Mapping[str, Any]

    @property
    def job_name(self) -> str | None:
        """The name of the job, where it is known before the task runs."""
        name = self.given.get("job_name")
        return name if isinstance(name, str) and "{{" not in name else None


@dataclass(frozen=True, kw_only=True)
class CalledNotebook:
    """A task of a job whose notebook (or Python file, or SQL file) was found, and what that does."""

    job: Job
    task: Task
    facts: NotebookFacts

    @property
    def passed(self) -> Mapping[str, str]:
        """The parameters that the task gets: the job's win over its own."""
        return parameters_of(self.job, self.task)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a project. `dags` are those of the import; with `import_failed` some are missing from them."""

    project: Path
    settings: WiringSettings
    environ: Mapping[str, str]
    sources: DagSources
    bundle: BundleFacts | None
    bundle_error: BundleUnreadable | None
    notebooks: tuple[CalledNotebook, ...]
    dags: tuple[Mapping[str, Any], ...] = ()
    import_failed: bool = False

    @functools.cached_property
    def dag_files(self) -> set[Path]:
        """The files of the DAGs, and what those import."""
        return self.sources.reachable(dag["file"] for dag in self.dags)

    @functools.cached_property
    def databricks_operators(self) -> tuple[Operator, ...]:
        """The tasks of the DAGs that run something on Databricks."""
        return tuple(
            Operator(
                dag_id=dag["dag_id"],
                file=dag["file"],
                task_id=task["task_id"],
                operator=task["operator"],
                given=task["databricks"],
            )
            for dag in self.dags
            for task in dag["operators"]
            if task["databricks"]
        )

    @functools.cached_property
    def runs_of_jobs(self) -> tuple[tuple[Operator, Job], ...]:
        """Each task of a DAG that runs a job of the bundle, with that job."""
        if self.bundle is None:
            return ()
        pairs = ((operator, operator.job_name) for operator in self.databricks_operators)
        found = ((operator, self.bundle.job_called(name)) for operator, name in pairs if name)
        return tuple((operator, job) for operator, job in found if job is not None)

    def notebooks_of(self, job: Job) -> tuple[CalledNotebook, ...]:
        """The tasks of a job whose source was found."""
        return tuple(called for called in self.notebooks if called.job is job)


def gather(project: Path, settings: WiringSettings, environ: Mapping[str, str], memory: Memory) -> Facts:
    """All facts but those that the import of the DAG files gives."""
    file = project / settings.bundle
    bundle: BundleFacts | None = None
    error: BundleUnreadable | None = None
    if file.is_file():
        try:
            bundle = read_bundle(file, settings.bundle_target, environ)
        except BundleUnreadable as unreadable:
            error = unreadable
    reader = Reader(catalog=settings.catalog, schema=settings.schemas[0], understand=memory.sql)
    return Facts(
        project=project,
        settings=settings,
        environ=environ,
        sources=read_sources(project / settings.dags),
        bundle=bundle,
        bundle_error=error,
        notebooks=tuple(_called(bundle, reader)) if bundle else (),
    )


def _called(bundle: BundleFacts, reader: Reader) -> Iterator[CalledNotebook]:
    for job in bundle.jobs:
        for task in job.tasks:
            files = task.files()
            if len(files) != 1:
                continue
            if task.kind == "sql_task":
                facts = _sql_file(files[0], task, reader)
            else:
                given = parameters_of(job, task) if task.is_notebook else {}
                facts = reader.follow(files[0], given, plain=not task.is_notebook)
            yield CalledNotebook(job=job, task=task, facts=facts)


def _sql_file(file: Path, task: Task, reader: Reader) -> NotebookFacts:
    from sandbox.wiring.findings import Place
    from sandbox.wiring.notebooks.effects import Effects

    facts = NotebookFacts(path=file, current=(reader.catalog, reader.schema), reads_any_widget=True)
    given = task.body.get("parameters") or {}
    text = REFERENCE.sub(lambda found: str(given.get(found[1], HOLE)), file.read_text("utf-8"))
    Effects(facts, {}, reader.understand).sql(text, Place(file=file), markers_are_widgets=False)
    return facts


def parameters_of(job: Job, task: Task) -> dict[str, str]:
    """What a notebook task gets: references to job parameters as their defaults, a HOLE for what a run decides."""
    defaults = {name: _resolved(value, {}) for name, (value, _) in job.parameters.items()}
    return {name: _resolved(value, defaults) for name, (value, _) in task.base_parameters.items()} | defaults


def _resolved(text: str, defaults: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = BRACKETS.sub(r".\1", found[1])
        return defaults.get(name.removeprefix(JOB_PARAMETER), HOLE) if name.startswith(JOB_PARAMETER) else HOLE

    return REFERENCE.sub(value, text)
