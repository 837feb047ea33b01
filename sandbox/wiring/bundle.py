"""The jobs of databricks.yml as the workspace reads them, each value with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.bundle.load import BundleTree, job_id_of, job_name, read_tree
from sandbox.databricks_stub.bundle.nodes import BundleError, Node, plain
from sandbox.databricks_stub.references import mentioned
from sandbox.databricks_stub.workspace_paths import local_path, notebook_files
from sandbox.wiring.findings import Place

WHERE = re.compile(r":(?P<line>\d+)(?::\d+)?(?::|$)")
WORKSPACE_HOST = "http://127.0.0.1"


class BundleUnreadable(Exception):
    """The bundle cannot be read; `place` is where, the message says why."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of a job; of a for-each task, what it repeats. `source` is the path of what it runs, as written."""

    task_key: str
    kind: str
    place: Place
    body: Mapping[str, Any]
    is_repeated: bool = False
    depends_on: tuple[tuple[str, Place], ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()
    """`(condition, outcome)` of each condition that has to come out so."""
    outcome_places: Mapping[str, Place] = field(default_factory=dict)
    """Where the outcome of each of them is demanded."""
    run_if: str = "ALL_SUCCESS"
    base_parameters: Mapping[str, tuple[str, Place]] = field(default_factory=dict)
    handed: tuple[tuple[str, str, Place], ...] = ()
    """`(argument, name, place)` of what it hands to the job that it runs."""
    references: tuple[tuple[str, Place], ...] = ()
    """The names of its `{{…}}`."""
    compute: Mapping[str, tuple[str, Place]] = field(default_factory=dict)
    """What of the job it runs on: `job_cluster_key`, `environment_key`."""
    source: str | None = None
    source_place: Place | None = None
    candidates: tuple[Path, ...] = ()
    """Where the source is looked for, without a suffix that the notebook may have; empty: not in this project."""

    @property
    def is_notebook(self) -> bool:
        return self.kind == "notebook_task"

    def files(self) -> tuple[Path, ...]:
        """The files that the source can be: one, none, or several that contradict each other."""
        for candidate in self.candidates:
            if self.is_notebook and (found := notebook_files(candidate)):
                return found
            if not self.is_notebook and candidate.is_file():
                return (candidate,)
        return ()


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job with its name in the workspace."""

    key: str
    name: str
    job_id: int
    place: Place
    parameters: Mapping[str, tuple[str, Place]]
    references: tuple[tuple[str, Place], ...]
    """The names of the `{{…}}` in its parameters."""
    tasks: tuple[Task, ...]
    settings: Mapping[str, Any]
    """The definition as written, references to variables replaced."""

    def mentions(self, name: str) -> bool:
        """Whether some `{{…}}` of the definition names this value."""
        return name in mentioned(str(self.settings))


@dataclass(frozen=True, kw_only=True)
class BundleFacts:
    """What the bundle defines for the sandbox's target."""

    file: Path
    target: str
    file_path: str
    """Where a deployment would put its files."""
    name_prefix: str
    jobs: tuple[Job, ...]

    def job_called(self, name: str) -> Job | None:
        """The job with this name in the workspace."""
        return next((job for job in self.jobs if job.name == name), None)


def read_bundle(path: Path, target: str, environ: Mapping[str, str], project: Path) -> BundleFacts:
    """Read the bundle of a project; raises BundleUnreadable."""
    try:
        tree = read_tree(path, target, host=WORKSPACE_HOST, environ=environ)
        jobs = tuple(
            Job(
                key=key,
                name=job_name(key, node, tree),
                job_id=job_id_of(tree.name, target, key),
                place=_place(node),
                parameters=_parameters(node),
                references=tuple(_references(node.get("parameters"))),
                tasks=tuple(_tasks(node, tree, project)),
                settings={name: plain(value) for name, value in node.mapping().items()},
            )
            for key, node in tree.jobs.items()
        )
    except BundleError as error:
        where, message = str(error), str(error)
        found = WHERE.search(where)
        file = path.parent / where[: found.start()] if found else path
        raise BundleUnreadable(
            Place(file=file, line=int(found["line"]) if found else 1),
            message[found.end() :].strip() if found else message,
        ) from error
    return BundleFacts(file=path, target=target, file_path=tree.file_path, name_prefix=tree.name_prefix, jobs=jobs)


def _place(node: Node) -> Place:
    found = WHERE.search(node.where)
    return Place(file=node.file, line=int(found["line"]) if found else 1)


def _parameters(job: Node) -> dict[str, tuple[str, Place]]:
    found = {}
    given = job.get("parameters")
    for item in given.items() if given else ():
        name, default = item.get("name"), item.get("default")
        if name is not None:
            found[str(name.value)] = (_text(default), _place(item))
    return found


def _tasks(job: Node, tree: BundleTree, project: Path) -> Iterator[Task]:
    given = job.get("tasks")
    for node in given.items() if given else ():
        yield _task(node, tree, project)


def _task(node: Node, tree: BundleTree, project: Path) -> Task:
    key = node.get("task_key")
    depends_on = node.get("depends_on")
    inner = node.get("for_each_task", "task")
    working = inner if inner is not None else node
    kind = next((name for name in working.mapping() if name.endswith("_task")), "")
    body = working.get(kind)
    source = _source(body, kind)
    parameters = body.get("base_parameters") if body else None
    outcomes = [
        (str(item.value), outcome)
        for entry, item in _dependencies(depends_on)
        if (outcome := entry.get("outcome")) is not None
    ]
    return Task(
        task_key=str(key.value) if key is not None else "",
        kind=kind,
        place=_place(node),
        is_repeated=inner is not None,
        body=plain(body) if body and isinstance(body.value, dict) else {},
        depends_on=tuple((str(item.value), _place(item)) for _, item in _dependencies(depends_on)),
        outcomes=tuple((name, _text(outcome)) for name, outcome in outcomes),
        outcome_places={name: _place(outcome) for name, outcome in outcomes},
        run_if=_text(node.get("run_if")) or "ALL_SUCCESS",
        base_parameters={
            name: (_text(value), _place(value)) for name, value in (parameters.mapping() if parameters else {}).items()
        },
        handed=tuple(_handed(body)),
        references=(*_references(node.get("for_each_task", "inputs")), *_references(body)),
        compute={
            key: (str(value.value), _place(value))
            for holder in (node, working)
            for key in ("job_cluster_key", "environment_key")
            if (value := holder.get(key)) is not None and value.value is not None
        },
        source=str(source.value) if source is not None else None,
        source_place=_place(source) if source is not None else None,
        candidates=tuple(_candidates(source, tree, project)) if source is not None else (),
    )


def _dependencies(depends_on: Node | None) -> Iterator[tuple[Node, Node]]:
    """Each entry with its task_key."""
    for entry in depends_on.items() if depends_on else ():
        if (item := entry.get("task_key")) is not None:
            yield entry, item


def _handed(body: Node | None) -> Iterator[tuple[str, str, Place]]:
    for argument in ("job_parameters", "notebook_params"):
        given = body.get(argument) if body else None
        if given is not None and isinstance(given.value, dict):
            yield from ((argument, name, _place(value)) for name, value in given.value.items())


def _references(node: Node | None) -> Iterator[tuple[str, Place]]:
    """The names of the `{{…}}` in all texts of a value."""
    value = node.value if node is not None else None
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _references(item)
    elif isinstance(value, str) and node is not None:
        yield from ((name, _place(node)) for name in mentioned(value))


def _source(body: Node | None, kind: str) -> Node | None:
    """The path of what a task runs, where that is a file of the workspace and not of a Git repository."""
    if body is None:
        return None
    named = {"notebook_task": ("notebook_path",), "spark_python_task": ("python_file",), "sql_task": ("file", "path")}
    found = body.get(*named[kind]) if kind in named else None
    holder = body.get("file") if kind == "sql_task" else body
    origin = holder.get("source") if holder else None
    from_git = origin is not None and str(origin.value).upper() == "GIT"
    return None if from_git or found is None or not isinstance(found.value, str) else found


def _candidates(source: Node, tree: BundleTree, project: Path) -> Iterator[Path]:
    path = str(source.value)
    if not path.startswith("/"):
        # relative paths start at the file in which they are written
        if ":" not in path:
            yield (source.file.parent / path).resolve()
    elif place := local_path(path, project, bundle=tree.root, file_path=tree.file_path):
        yield place


def _text(node: Node | None) -> str:
    if node is None or node.value is None:
        return ""
    value = plain(node)
    return str(value).lower() if isinstance(value, bool) else str(value)
