"""DAG files that were edited after Airflow parsed them: a dag_run that starts now must be of the files as they are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Edit:
    """The newest change in a DAG folder; `at` is in seconds since 1970."""

    file: Path
    at: float


def newest(dags: Path) -> Edit | None:
    """The Python file of a DAG folder that was changed last; None when there is none.

    Modules count like DAG files, for any DAG may import them. A time to come, as archives bring them, is now.
    """
    found = [(_changed(file), file) for file in dags.rglob("*.py")]
    if not found:
        return None
    at, file = max(found)
    return Edit(file=file, at=min(at, time.time()))


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # an editor that saves by renaming has replaced it just now
        return 0.0


def parsed(dag: Mapping[str, Any], edit: Edit | None) -> bool:
    """Whether Airflow began to parse the DAG's file after the edit; `dag` is the REST API's DAGResponse."""
    if edit is None:
        return True
    if not dag["last_parsed_time"]:
        return False
    # Airflow 3.1 and later say how long it took
    return seconds(dag["last_parsed_time"]) - (dag.get("last_parse_duration") or 0.0) > edit.at


def seconds(moment: str) -> float:
    """A moment of the REST API in seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()
