"""A chain as a tree for people: what runs, what waits on what, for how long, with links; and as plain lines in CI."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from sandbox.follow.chain import ChainState

STYLES = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "red",
    "timedout": "red",
    "running": "cyan",
    "deferred": "cyan",
    "up_for_retry": "yellow",
    "skipped": "magenta",
    "canceled": "magenta",
}


ENDED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed", "canceled", "excluded", "timedout"})
"""Task states, in lower case, after which nothing waits for the task any more."""


def _line(kind: str, name: str, state: str | None, seconds: float | None, rest: str = "") -> Text:
    shown = (state or "waiting").lower()
    text = Text(f"{kind} " if kind else "")
    text.append(name, style="bold" if kind else "")
    text.append(f"  {shown}", style=STYLES.get(shown, "dim"))
    if seconds is not None:
        text.append(f"  {seconds:.1f} s", style="dim")
    if rest:
        text.append(f"  {rest}", style="dim")
    return text


def _state(task: Mapping[str, Any]) -> str:
    return str(task["state"] or "waiting").lower()


def _dag_task(task: Mapping[str, Any], run: Mapping[str, Any]) -> Text:
    name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
    tries = f"try {task['try_number']}" if (task["try_number"] or 0) > 1 else ""
    unfinished = {other["task_id"] for other in run["tasks"] if _state(other) not in ENDED}
    return _task(task, name, run, unfinished, rest=tries)


def _job_task(task: Mapping[str, Any], run: Mapping[str, Any]) -> Text:
    unfinished = {other["task_key"] for other in run["tasks"] if _state(other) not in ENDED}
    return _task(task, task["task_key"], run, unfinished)


def _task(
    task: Mapping[str, Any], name: str, run: Mapping[str, Any], unfinished: Collection[str], rest: str = ""
) -> Text:
    """A task's line; one that waits says for which tasks, and since when: its run's start."""
    waits_for = [other for other in task["depends_on"] if other in unfinished]
    if task["seconds"] is None and waits_for and _state(task) not in ENDED:
        return _line("", name, "waiting", run["seconds"], f"for {', '.join(waits_for)}")
    after = f"after {', '.join(task['depends_on'])}" if task["depends_on"] else ""
    return _line("", name, task["state"], task["seconds"], "  ".join(part for part in (after, rest) if part))


def tree(state: ChainState) -> RenderableType:
    """The chain as it is now."""
    root = Tree(Text("chain", style="dim"), guide_style="dim")
    for run in state.dag_runs:
        branch = root.add(_line("dag_run", run["dag_id"], run["state"], run["seconds"], run["url"]))
        for task in run["tasks"]:
            branch.add(_dag_task(task, run))
    for job_run in state.job_runs:
        branch = root.add(_line("job_run", job_run["job"], job_run["state"], job_run["seconds"], job_run["url"]))
        for task in job_run["tasks"]:
            branch.add(_job_task(task, job_run))
    for asset in state.assets:
        rows = asset["extra"].get("rows")
        root.add(Text.assemble("asset ", (asset["uri"], "bold"), f"  {rows} rows" if rows is not None else ""))
    for words in state.waiting:
        root.add(Text.assemble((words, "yellow"), (f"  {state.seconds:.1f} s", "dim")))
    return root


def changes(before: ChainState | None, now: ChainState) -> Iterator[str]:
    """One plain line for each thing whose state differs from `before`."""
    known = dict(_states(before)) if before else {}
    for name, words in _states(now):
        if known.get(name) != words:
            yield f"{name}: {words}"
    for words in now.waiting:
        if before is None or words not in before.waiting:
            yield words


def _states(state: ChainState) -> Iterator[tuple[str, str]]:
    for run in state.dag_runs:
        yield f"dag_run {run['dag_id']} ({run['run_id']})", run["state"]
        for task in run["tasks"]:
            index = f"[{task['map_index']}]" if task["map_index"] >= 0 else ""
            tries = f" (try {task['try_number']})" if (task["try_number"] or 0) > 1 else ""
            yield f"  task {run['dag_id']}.{task['task_id']}{index}", f"{task['state'] or 'waiting'}{tries}"
    for job_run in state.job_runs:
        yield f"job_run {job_run['job']} ({job_run['job_run_id']})", job_run["state"].lower()
        for task in job_run["tasks"]:
            yield f"  task {job_run['job']}.{task['task_key']}", task["state"].lower()
