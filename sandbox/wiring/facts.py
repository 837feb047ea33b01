"""Everything that the rules look at, gathered once: settings, DAGs, bundle, notebooks as its tasks call them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.references import substituted
from sandbox.databricks_stub.workspace_paths import local_path, notebook_files
from sandbox.wiring.bundle import BundleFacts, BundleUnreadable, Job, Task, read_bundle
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

    def may_run(self, job: Job) -> bool:
        """Whether the task runs this job; one that is named by a template may run any."""
        if self.job_name is not None:
            return self.job_name == job.name
        job_id = str(self.given.get("job_id") or "")
        return int(job_id) == job.job_id if job_id.isdigit() else bool(job_id or self.given.get("job_name"))

    def notebooks(self) -> Iterator[tuple[str, str, Mapping[str, Any] | None]]:
        """The notebooks that the task itself names: path, argument, parameters (None: not known before it runs)."""
        passed = self.given.get("notebook_params") or {}
        path = self.given.get("notebook_path")
        if isinstance(path, str) and str(self.given.get("source") or "").upper() != "GIT":
            yield path, "notebook_path", passed if isinstance(passed, Mapping) else None
        config = self.given.get("task_config")
        tasks = self.given.get("tasks")
        holders: list[tuple[str, Any]] = [("notebook_task", self.given), ("task_config", config)]
        holders += [("tasks", task) for task in tasks] if isinstance(tasks, list) else []
        for argument, holder in holders:
            body = holder.get("notebook_task") if isinstance(holder, Mapping) else None
            path = body.get("notebook_path") if isinstance(body, Mapping) else None
            if isinstance(body, Mapping) and isinstance(path, str) and str(body.get("source") or "").upper() != "GIT":
                base = body.get("base_parameters") or {}
                yield path, argument, base if isinstance(base, Mapping) else None


@dataclass(frozen=True, kw_only=True)
class NotebookOfDag:
    """A notebook of this project that a task of a DAG runs without a job."""

    operator: Operator
    passed: Mapping[str, str] | None
    facts: NotebookFacts


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
    reader: Reader
    dags: tuple[Mapping[str, Any], ...] = ()
    import_failed: bool = False

    def local_path(self, path: str) -> Path | None:
        """Where the workspace looks for a path that a DAG names."""
        bundle = self.bundle
        return local_path(
            path,
            self.project,
            bundle=bundle.file.parent if bundle else None,
            file_path=bundle.file_path if bundle else "",
        )

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

    @functools.cached_property
    def notebooks_of_dags(self) -> tuple[NotebookOfDag, ...]:
        """What tasks of the DAGs run without a job, as far as it is found here."""
        found = []
        for operator in self.databricks_operators:
            for path, _, passed in operator.notebooks():
                place = self.local_path(path)
                files = notebook_files(place) if place else ()
                if len(files) == 1:
                    texts = {str(name): _templated(value) for name, value in (passed or {}).items()}
                    found.append(
                        NotebookOfDag(
                            operator=operator,
                            passed=None if passed is None else texts,
                            facts=self.reader.follow(files[0], texts),
                        )
                    )
        return tuple(found)

    @functools.cached_property
    def followed(self) -> tuple[NotebookFacts, ...]:
        """Every notebook that something runs, and those that these run apart."""
        starts = [called.facts for called in self.notebooks]
        starts += [run.facts for run in self.notebooks_of_dags]
        return tuple(each for start in starts for each in (start, *descendants(start)))

    def notebooks_of(self, job: Job) -> tuple[CalledNotebook, ...]:
        """The tasks of a job whose source was found."""
        return tuple(called for called in self.notebooks if called.job is job)


def descendants(facts: NotebookFacts) -> Iterator[NotebookFacts]:
    """The notebooks that a notebook runs apart, and those that they run."""
    for child in facts.children:
        if child.facts is not None:
            yield child.facts
            yield from descendants(child.facts)


def _templated(value: Any) -> str:
    """A parameter of a task; what is a template, or comes from another task, is not known yet."""
    return value if isinstance(value, str) and "{{" not in value else HOLE


def gather(project: Path, settings: WiringSettings, environ: Mapping[str, str], memory: Memory) -> Facts:
    """All facts but those that the import of the DAG files gives."""
    file = project / settings.bundle
    bundle: BundleFacts | None = None
    error: BundleUnreadable | None = None
    if file.is_file():
        try:
            bundle = read_bundle(file, settings.bundle_target, environ, project)
        except BundleUnreadable as unreadable:
            error = unreadable
    reader = Reader(project=project, catalog=settings.catalog, schema=settings.schemas[0], understand=memory.sql)
    return Facts(
        project=project,
        settings=settings,
        environ=environ,
        sources=read_sources(project / settings.dags),
        bundle=bundle,
        bundle_error=error,
        notebooks=tuple(_called(bundle, reader)) if bundle else (),
        reader=reader,
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
    given = task.body.get("parameters")
    values = given if isinstance(given, dict) else {}
    text = substituted(file.read_text("utf-8"), lambda name: str(values.get(name, HOLE)))
    Effects(facts, {}, reader.understand).sql(text, Place(file=file), markers_are_widgets=False)
    return facts


def parameters_of(job: Job, task: Task) -> dict[str, str]:
    """What a notebook task gets: references to job parameters as their defaults, a HOLE for what a run decides."""
    defaults = {name: _resolved(value, {}) for name, (value, _) in job.parameters.items()}
    return {name: _resolved(value, defaults) for name, (value, _) in task.base_parameters.items()} | defaults


def _resolved(text: str, defaults: Mapping[str, str]) -> str:
    def value(name: str) -> str:
        return defaults.get(name.removeprefix(JOB_PARAMETER), HOLE) if name.startswith(JOB_PARAMETER) else HOLE

    return substituted(text, value)
