"""A chain as a tree for people: what runs, what waits on what, for how long, with links; and as plain lines in CI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def _dag_task(task: Mapping[str, Any]) -> Text:
    name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
    tries = f"try {task['try_number']}" if (task["try_number"] or 0) > 1 else ""
    return _line("", name, task["state"], task["seconds"], tries)


def _job_task(task: Mapping[str, Any]) -> Text:
    after = f"after {', '.join(task['depends_on'])}" if task["depends_on"] else ""
    return _line("", task["task_key"], task["state"], task["seconds"], after)


def tree(state: ChainState) -> RenderableType:
    """The chain as it is now."""
    root = Tree(Text("chain", style="dim"), guide_style="dim")
    for run in state.dag_runs:
        branch = root.add(_line("dag_run", run["dag_id"], run["state"], run["seconds"], run["url"]))
        for task in run["tasks"]:
            branch.add(_dag_task(task))
    for job_run in state.job_runs:
        branch = root.add(_line("job_run", job_run["job"], job_run["state"], job_run["seconds"], job_run["url"]))
        for task in job_run["tasks"]:
            branch.add(_job_task(task))
    for asset in state.assets:
        rows = asset["extra"].get("rows")
        root.add(Text.assemble("asset ", (asset["uri"], "bold"), f"  {rows} rows" if rows is not None else ""))
    for words in state.waiting:
        root.add(Text(words, style="yellow"))
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
