"""Looks at a chain until it is finished; a service that dies meanwhile is waited for, but not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

from sandbox.clients.http import ApiAnswer
from sandbox.errors import ServiceNotHealthy
from sandbox.follow.chain import Chain, ChainState
from sandbox.follow.render import changes

LOOK_INTERVAL_SECONDS = 0.3
LONGEST_INTERVAL_SECONDS = 1.0
LOOK_SHARE = 0.1
"""A change may be seen late by this share of the time that went before it: each look costs Airflow's API server
work, on the cores on which the job runs."""
OUTAGE_SECONDS = 120.0

Show = Callable[[ChainState | None, ChainState], None]
"""Called after every look with the state before it (None: there was none) and the state now."""


class Patience:
    """The supervisor starts a service that dies again: wait for it, but not for ever."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._since: float | None = None

    def spend(self, error: ServiceNotHealthy) -> None:
        """Take note of a failed look; raises the error when it was the service's refusal, or has lasted too long."""
        refused = isinstance(error, ApiAnswer) and error.status_code < 500
        if refused:
            raise error
        if self._since is not None and time.monotonic() - self._since > OUTAGE_SECONDS:
            raise ServiceNotHealthy(
                error.what,
                why=f"{error.why}\nfor {OUTAGE_SECONDS:.0f} s; what was triggered goes on when it is back",
                next_command="sandbox up    (repairs what is broken)",
            ) from error
        if self._since is None:
            self._since = time.monotonic()
            self._note(f"{error.what}; waiting up to {OUTAGE_SECONDS:.0f} s for it")

    def restore(self) -> None:
        """A look has worked again."""
        self._since = None


def pause_seconds(unchanged_seconds: float) -> float:
    """How long to wait for the next look, when nothing has changed for a while."""
    return min(max(LOOK_INTERVAL_SECONDS, LOOK_SHARE * unchanged_seconds), LONGEST_INTERVAL_SECONDS)


def until_finished(chain: Chain, *, limit_seconds: float, show: Show, note: Callable[[str], None]) -> ChainState:
    """Look at the chain until nothing of it is left to happen; returns its last state.

    Raises ServiceNotHealthy when it isn't finished after `limit_seconds`, or when a service stays away.
    """
    begun = changed = time.monotonic()
    before: ChainState | None = None
    patience = Patience(note)
    while True:
        try:
            now = chain.look()
        except ServiceNotHealthy as error:
            patience.spend(error)
            time.sleep(LOOK_INTERVAL_SECONDS)
            continue
        patience.restore()
        show(before, now)
        if now.finished:
            return now
        looked = time.monotonic()
        if looked - begun > limit_seconds:
            raise ServiceNotHealthy(
                f"the chain is not finished after {limit_seconds:.0f} s (limits.run_seconds)",
                why="\n".join(changes(None, now)),
                next_command="sandbox logs airflow",
            )
        if any(changes(before, now)):
            changed = looked
        before = now
        time.sleep(pause_seconds(looked - changed))
