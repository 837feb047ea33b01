"""Memory of many processes at rest, as PSS: what several of them share is counted once."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

from sandbox import health
from sandbox.supervisor import ownership

Measure = Callable[[], float]

LOOKS = 5
STEADY = 0.03
REST_SECONDS = 60.0
LOOK_INTERVAL_SECONDS = 1.0


def with_descendants(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The processes and everything below them, each once."""
    found: dict[int, psutil.Process] = {}
    for process in processes:
        try:
            family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        found |= {member.pid: member for member in family}
    return list(found.values())


def of_sandbox(instance_id: str) -> list[psutil.Process]:
    """Every process of a sandbox.

    The mark alone would miss some: a process that sets its title, as Airflow's API server and PostgreSQL's children
    do, writes it over its environment.
    """
    return with_descendants(ownership.marked(instance_id))


def pss_mebibytes(processes: Iterable[psutil.Process]) -> float:
    """The proportional set size of all of them (Linux)."""
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 1024**2


def at_rest_mebibytes(processes: Callable[[], Iterable[psutil.Process]]) -> float:
    """The median of a few looks in a row that differ by at most 3 %; of the last few, when they never do."""
    looks: list[float] = []

    def complaint() -> str:
        looks.append(pss_mebibytes(processes()))
        last = looks[-LOOKS:]
        steady = len(last) == LOOKS and max(last) - min(last) <= STEADY * min(last)
        return "" if steady else "memory still changes"

    # one that never rests is measured as it is
    with suppress(health.StillWaiting):
        health.wait_until(complaint, timeout_seconds=REST_SECONDS, interval_seconds=LOOK_INTERVAL_SECONDS)
    return statistics.median(looks[-LOOKS:])
