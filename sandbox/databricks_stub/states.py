"""The states of job_runs and task_runs, and which may follow which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LifeCycle(StrEnum):
    """`life_cycle_state` on the wire."""

    BLOCKED = "BLOCKED"
    PENDING = "PENDING"
    QUEUED = "QUEUED"
    WAITING_FOR_RETRY = "WAITING_FOR_RETRY"
    RUNNING = "RUNNING"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    SKIPPED = "SKIPPED"
    INTERNAL_ERROR = "INTERNAL_ERROR"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows (but a repair)."""
        return self in TERMINAL


class Result(StrEnum):
    """`result_state` on the wire."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEDOUT = "TIMEDOUT"
    CANCELED = "CANCELED"
    EXCLUDED = "EXCLUDED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"
    SUCCESS_WITH_FAILURES = "SUCCESS_WITH_FAILURES"
    MAXIMUM_CONCURRENT_RUNS_REACHED = "MAXIMUM_CONCURRENT_RUNS_REACHED"


TERMINAL = frozenset({LifeCycle.TERMINATED, LifeCycle.SKIPPED, LifeCycle.INTERNAL_ERROR})
WAITING = frozenset({LifeCycle.BLOCKED, LifeCycle.PENDING, LifeCycle.QUEUED, LifeCycle.WAITING_FOR_RETRY})
BAD_RESULTS = frozenset({Result.FAILED, Result.TIMEDOUT, Result.UPSTREAM_FAILED})
CANCELED_RESULTS = frozenset({Result.CANCELED, Result.UPSTREAM_CANCELED})

_ENDS = frozenset(TERMINAL)
_LEGAL: dict[LifeCycle, frozenset[LifeCycle]] = {
    LifeCycle.BLOCKED: _ENDS | {LifeCycle.PENDING, LifeCycle.RUNNING},
    LifeCycle.PENDING: _ENDS | {LifeCycle.QUEUED, LifeCycle.RUNNING, LifeCycle.TERMINATING},
    LifeCycle.QUEUED: _ENDS | {LifeCycle.PENDING, LifeCycle.RUNNING},
    LifeCycle.WAITING_FOR_RETRY: _ENDS | {LifeCycle.PENDING, LifeCycle.RUNNING},
    LifeCycle.RUNNING: _ENDS | {LifeCycle.TERMINATING},
    LifeCycle.TERMINATING: _ENDS,
    # A repair takes an ended job_run back to the start; an ended task_run stays ended and gets a new attempt.
    LifeCycle.TERMINATED: frozenset({LifeCycle.PENDING}),
    LifeCycle.INTERNAL_ERROR: frozenset({LifeCycle.PENDING}),
    LifeCycle.SKIPPED: frozenset({LifeCycle.PENDING}),
}


@dataclass(frozen=True, kw_only=True)
class State:
    """`state` of a job_run or a task_run."""

    life_cycle: LifeCycle
    result: Result | None = None
    message: str = ""

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows (but a repair)."""
        return self.life_cycle.is_terminal

    @property
    def by_user_or_timeout(self) -> bool:
        """`user_cancelled_or_timedout` on the wire."""
        return self.result in {Result.CANCELED, Result.TIMEDOUT}


class IllegalTransition(Exception):
    """Our bug: a state followed another that it may not follow."""


def check_transition(before: LifeCycle, after: LifeCycle) -> None:
    """Raise IllegalTransition unless `after` may follow `before` (or is the same)."""
    if before != after and after not in _LEGAL[before]:
        raise IllegalTransition(f"{before} -> {after}")


def ended(result: Result, message: str = "") -> State:
    """A state that ended normally, whatever its result."""
    return State(life_cycle=LifeCycle.TERMINATED, result=result, message=message)
