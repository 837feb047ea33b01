"""A task that reads a table starts after the task of the same job that writes it."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.bundle import Job
from sandbox.wiring.facts import CalledNotebook, Facts, descendants
from sandbox.wiring.findings import Finding, Place
from sandbox.wiring.rules.base import Rule
from sandbox.wiring.rules.depends_on import conditions, never_together, upstream


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        if job.settings.get("continuous"):
            continue  # its tasks are streams that run side by side
        yield from _of_job(job, facts)


def _of_job(job: Job, facts: Facts) -> Iterator[Finding]:
    above, needed = upstream(job), conditions(job)
    followed = facts.notebooks_of(job)
    writers: dict[str, dict[str, Place]] = {}
    for called in followed:
        for table, place in _tables(called, "writes").items():
            writers.setdefault(table, {})[called.task.task_key] = place
    for called in followed:
        key = called.task.task_key
        for table, place in _tables(called, "reads").items():
            others = {
                other: where
                for other, where in writers.get(table, {}).items()
                if not never_together(needed[key], needed[other])
            }
            if key in others:
                continue  # it reads what it has written itself
            # one that runs later by design reads nothing of this run: the reader sees what the run before has left
            unordered = [other for other in others if other not in above[key] and key not in above[other]]
            if not unordered:
                continue
            certain = len(unordered) == len(others) and table not in called.facts.streams
            report = RULE.error if certain else RULE.warning
            names = " and ".join(sorted(unordered))
            root = facts.project
            sources = ", ".join(others[other].shown(root) for other in sorted(unordered))
            yield report(
                called.task.place,
                table,
                f"task {key} of job {job.key} reads {table} ({place.shown(root)}), which {names} "
                f"{'writes' if len(unordered) == 1 else 'write'} ({sources}), but does not wait for "
                f"{'it' if len(unordered) == 1 else 'them'}",
                f"add to depends_on: {', '.join(f'task_key: {other}' for other in sorted(unordered))}",
            )


def _tables(called: CalledNotebook, what: str) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for each in (called.facts, *descendants(called.facts)):
        for table, place in getattr(each, what).items():
            found.setdefault(table, place)
    return found


RULE = Rule(id="table-order", title="a task waits for those that write the tables it reads", check=_check)
