"""The widgets that a notebook reads are passed to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sandbox.wiring.bundle import Job
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to, listed, slip_of
from sandbox.wiring.notebooks.facts import NotebookFacts
from sandbox.wiring.rules.base import Rule


def reads(facts: Facts, job: Job, name: str) -> bool:
    """Whether something in the job reads the parameter, or may."""
    if job.mentions(f"job.parameters.{name}"):
        return True
    followed = facts.notebooks_of(job)
    # a task that was not followed (a wheel, a file that is missing) may read anything
    blind = {task.task_key for task in job.tasks if task.kind not in SILENT_KINDS}
    blind -= {called.task.task_key for called in followed}
    return bool(blind) or any(may_read(called.facts, name) for called in followed)


SILENT_KINDS = frozenset({"condition_task", "sql_task"})
"""Tasks that see a job's parameters only where a reference names them; jobs and pipelines are handed all of them."""


def may_read(facts: NotebookFacts, name: str) -> bool:
    """Whether a notebook reads the widget, as far as one can tell."""
    return name in facts.widgets_read or name in facts.maybe_read or facts.reads_any_widget


def _check(facts: Facts) -> Iterator[Finding]:
    for called in facts.notebooks:
        if called.task.is_notebook:
            by_callers = passed_by_callers(called.job, facts)
            if by_callers is not None:
                who = f"task {called.task.task_key} of job {called.job.key}"
                yield from _of_call(called.facts, {*called.passed, *by_callers}, who)
    for run in facts.notebooks_of_dags:
        if run.passed is not None:
            who = f"task {run.operator.task_id} of DAG {run.operator.dag_id}"
            yield from _of_call(run.facts, set(run.passed), who)
    for each in facts.followed:
        yield from _of_children(each)


def _of_call(notebook: NotebookFacts, passed: set[str], who: str) -> Iterator[Finding]:
    passed = passed | notebook.passed_inside
    unread = {name for name in passed if not may_read(notebook, name)}
    for name, place in notebook.widgets_read.items():
        if name in passed:
            continue
        slip = slip_of(name, unread)
        meant = slip or close_to(name, passed)
        hint = f"did you mean {meant!r}?" if meant else f"pass it: {who}"
        if name not in notebook.widgets_defined:
            report = RULE.warning if notebook.asks_for_all_widgets else RULE.error
            yield report(
                place,
                name,
                f"the notebook reads the widget {name!r}, which {who} does not pass and nothing defines",
                hint,
            )
        elif slip:
            yield RULE.error(
                place,
                name,
                f"the notebook reads the widget {name!r}, but {who} passes {slip!r}, which it does not read",
                hint,
            )
        else:
            default = notebook.widgets_defined[name][0]
            yield RULE.warning(
                place, name, f"the widget {name!r} always has its default {default!r}: {who} does not pass it", hint
            )


def passed_by_callers(job: Job, facts: Facts) -> set[str] | None:
    """What DAGs and other jobs pass to the job; None when that is known only when they run."""
    given = [
        operator.given[argument]
        for operator in facts.databricks_operators
        if operator.may_run(job)
        for argument in ("job_parameters", "notebook_params")
        if operator.given.get(argument)
    ]
    if not all(isinstance(each, dict) for each in given):
        return None
    return {str(name) for each in given for name in each} | {
        str(name)
        for other in (facts.bundle.jobs if facts.bundle else ())
        for task in other.tasks
        if task.kind == "run_job_task" and str(task.body.get("job_id")) == str(job.job_id)
        for name in (
            *other.parameters,
            *(name for each in ("job_parameters", "notebook_params") for name in _names(task.body.get(each))),
        )
    }


def _names(given: object) -> Collection[object]:
    return given if isinstance(given, dict) else ()


def _of_children(facts: NotebookFacts) -> Iterator[Finding]:
    for child in facts.children:
        if child.facts is None or child.arguments is None:
            continue
        passed = [name for name, _ in child.arguments]
        for name in child.facts.widgets_read:
            if name not in passed and name not in child.facts.widgets_defined:
                meant = close_to(name, passed)
                yield RULE.error(
                    child.place,
                    name,
                    f"dbutils.notebook.run does not pass {name!r}, which {child.path} reads and does not define",
                    f"did you mean {meant!r}?" if meant else f"passed are: {listed(passed)}",
                )


RULE = Rule(id="widget-passed", title="every widget that a notebook reads is passed", check=_check)
