"""The template environment, and how states, times and durations are written."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from sandbox.databricks_stub.executed import plain
from sandbox.databricks_stub.states import BAD_RESULTS, LifeCycle, Result, State

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    """A page."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.ChainableUndefined,  # a job's settings are the user's: any key may be missing
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"tone": tone, "label": label, "moment": moment, "duration": duration, "plain": plain}
    return environment


def label(state: State) -> str:
    """The one word that says most about a state."""
    return state.result or state.life_cycle


def tone(state: State) -> str:
    """The colour class of a state."""
    if state.result is Result.SUCCESS:
        return "good"
    if state.result in BAD_RESULTS or state.life_cycle is LifeCycle.INTERNAL_ERROR:
        return "bad"
    if state.life_cycle in {LifeCycle.RUNNING, LifeCycle.TERMINATING}:
        return "busy"
    return "idle" if state.is_terminal else "wait"


def moment(milliseconds: int) -> str:
    """A point in time, in UTC as Airflow shows it."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(milliseconds: int) -> str:
    """A length of time: 0.8 s, 42 s, 3 min 5 s."""
    seconds = max(0, milliseconds) / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
