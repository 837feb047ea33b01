"""Each notebook, Python file and SQL file that a task, a notebook or a DAG names is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.wiring.bundle import Task, with_suffix, workspace_candidates
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, Place, close_to
from sandbox.wiring.notebooks.cells import beside
from sandbox.wiring.notebooks.facts import NotebookFacts
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        for task in job.tasks:
            yield from _of_task(task, job.key)
    seen: set[Place] = set()
    for each in facts.followed:
        for finding in _of_notebook(each):
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


def _of_notebook(facts: NotebookFacts) -> Iterator[Finding]:
    missing = [("%run", item) for item in facts.missing]
    missing += [("dbutils.notebook.run", item) for item in facts.children if item.facts is None]
    for how, item in missing:
        if item.path.startswith("/"):
            yield RULE.warning(
                item.place,
                item.path,
                f"{how} names {item.path}, which is not in this project",
                "name it relative to this notebook, so that it is versioned and tested with it",
            )
        elif beside(item.path, item.place.file.parent) is None:
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
        root = facts.bundle.file.parent if facts.bundle else facts.project
        for path, argument, _ in operator.notebooks():
            candidates = list(workspace_candidates(path, root))
            if "{{" not in path and not any(with_suffix(found) for found in candidates):
                meant = _sibling(candidates)
                yield RULE.warning(
                    facts.sources.task_place(operator.file, operator.task_id, argument, operator.dag_id),
                    path,
                    f"task {operator.task_id} of DAG {operator.dag_id} runs {path}, which is not in this project",
                    f"did you mean {meant}?"
                    if meant
                    else "correct the path, or make the notebook a task of a job of the bundle",
                )


def _sibling(candidates: Iterable[Path]) -> str | None:
    """A file beside one of these that is called nearly the same."""
    for candidate in candidates:
        names = [path.stem for path in candidate.parent.iterdir()] if candidate.parent.is_dir() else []
        if meant := close_to(candidate.stem, names):
            return meant
    return None


RULE = Rule(id="notebook-exists", title="every notebook and file that is named exists", check=_check)
