"""Each notebook, Python file and SQL file that a task, a notebook or a DAG names is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sandbox.databricks_stub.workspace_paths import NOTEBOOK_SUFFIXES, notebook_files
from sandbox.wiring.bundle import Task
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, Place, close_to
from sandbox.wiring.notebooks.facts import NotebookFacts
from sandbox.wiring.notebooks.reader import Reader
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        for task in job.tasks:
            yield from _of_task(task, job.key)
    seen: set[Place] = set()
    for each in facts.followed:
        for finding in _of_notebook(each, facts.reader):
            if finding.place not in seen:
                seen.add(finding.place)
                yield finding
    yield from _of_dags(facts)


def _of_task(task: Task, job: str) -> Iterator[Finding]:
    if task.source is None or not task.candidates or task.source_place is None:
        return
    who = f"task {task.task_key} of job {job} runs {task.source}"
    found = task.files()
    if len(found) > 1:
        either = " and ".join(path.name for path in found)
        yield RULE.error(task.source_place, task.source, f"{who}, which can be {either}", "rename one of them")
    elif not found and (other := next((place for place in task.candidates if place.is_file()), None)):
        suffixes = ", ".join(NOTEBOOK_SUFFIXES)
        message = f"{who}, but {other.name} is no notebook: its name ends in none of {suffixes}"
        yield RULE.error(task.source_place, task.source, message, "rename the file, or correct the path")
    elif not found and task.source.startswith("/"):
        yield RULE.warning(
            task.source_place,
            task.source,
            f"{who}, which is not in this project: it exists only where somebody has put it into the workspace",
            "keep it in the project and name it by a path relative to the bundle",
        )
    elif not found:
        folder = task.candidates[0].parent
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        meant = close_to(task.candidates[0].name, names)
        yield RULE.error(
            task.source_place,
            task.source,
            f"{who}, which does not exist",
            f"did you mean {meant}?" if meant else f"create {task.candidates[0]}",
        )


def _of_notebook(facts: NotebookFacts, reader: Reader) -> Iterator[Finding]:
    missing = [("%run", item) for item in facts.missing]
    missing += [("dbutils.notebook.run", item) for item in facts.children if item.facts is None]
    for how, item in missing:
        if reader.locate(item.path, item.place.file.parent) is not None:
            continue  # it runs itself again
        if item.path.startswith("/"):
            yield RULE.warning(
                item.place,
                item.path,
                f"{how} names {item.path}, which is not in this project",
                "name it relative to this notebook, so that it is versioned and tested with it",
            )
        else:
            folder = (item.place.file.parent / item.path).parent
            meant = close_to(item.path.rpartition("/")[2], [path.stem for path in folder.glob("*")])
            yield RULE.error(
                item.place,
                item.path,
                f"{how} names {item.path}, which does not exist beside this notebook",
                f"did you mean {meant}?" if meant else "create it, or correct the path",
            )


def _of_dags(facts: Facts) -> Iterator[Finding]:
    for operator in facts.databricks_operators:
        for path, argument, _ in operator.notebooks():
            place = facts.local_path(path)
            if "{{" not in path and not (place and notebook_files(place)):
                meant = _sibling(place) if place else None
                yield RULE.warning(
                    facts.sources.task_place(operator.file, operator.task_id, argument, operator.dag_id),
                    path,
                    f"task {operator.task_id} of DAG {operator.dag_id} runs {path}, which is not in this project",
                    f"did you mean {meant}?"
                    if meant
                    else "correct the path, or make the notebook a task of a job of the bundle",
                )


def _sibling(place: Path) -> str | None:
    """A file beside this one that is called nearly the same."""
    names = [path.stem for path in place.parent.iterdir()] if place.parent.is_dir() else []
    return close_to(place.stem, names)


RULE = Rule(id="notebook-exists", title="every notebook and file that is named exists", check=_check)
