"""Before the first event: the DAG and everything that its assets trigger are parsed as they are now, and unpaused."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox import health
from sandbox.clients.airflow import AirflowClient
from sandbox.clients.http import ApiAnswer
from sandbox.errors import ConfigurationError, NothingSelected, ServiceNotHealthy
from sandbox.follow import edits
from sandbox.follow.sources import Source, producers, sources

PARSE_SECONDS = 30.0
ACTIVE_SECONDS = 5.0
"""How long assets may take to become active: Airflow looks every two seconds."""
MENDED_SECONDS = 5.0
"""How long a file that did not import may take to be parsed again, where somebody has just mended it."""


def downstream(dag_id: str, known: Iterable[Source]) -> list[str]:
    """The DAGs that `dag_id` can set in motion by assets and aliases, directly or through others; nearest first."""
    by_name = sorted(known, key=lambda source: source.name)
    found: list[str] = []
    waiting = [dag_id]
    while waiting:
        producer = waiting.pop(0)
        for source in by_name:
            for consumer in sorted(source.consumers) if producer in source.producers else ():
                if consumer not in found and consumer != dag_id:
                    found.append(consumer)
                    waiting.append(consumer)
    return found


def prepare(airflow: AirflowClient, dag_id: str, dags: Path) -> list[str]:
    """Wait until Airflow knows the DAG as it is now; unpause it and all that its assets trigger. Returns those others.

    `dags` is the DAG folder: an edit of any file in it is waited for. Consumers come first, because Airflow gives an
    asset's events to active consumers only. Raises ConfigurationError with the import errors when the DAG does not
    appear, NothingSelected when there is no such DAG or its file defines others now, ServiceNotHealthy when Airflow
    does not parse the newest edit.
    """
    edit = edits.newest(dags)
    _await(airflow, dag_id, edit)
    _await_assets(airflow, {dag_id})
    renamed = set()
    for name in downstream(dag_id, sources(airflow)):
        # one whose file is gone or broken is not waited for: it was there, and does not hold up what triggers it
        if (dag := airflow.dag(name)) and _is_usable(dag):
            try:
                _await(airflow, name, edit)
            except NothingSelected:
                # Airflow would start it for a minute yet, and no task of it would ever run
                airflow.set_paused(name, paused=True)
                renamed.add(name)
    others = [name for name in downstream(dag_id, sources(airflow)) if name not in renamed]
    if others:
        _await_assets(airflow, set(others))
    for name in (*others, dag_id):
        dag = airflow.dag(name)
        if dag and dag["is_paused"]:
            airflow.set_paused(name, paused=False)
    return others


def _await(airflow: AirflowClient, dag_id: str, edit: edits.Edit | None) -> None:
    def complaint() -> str:
        dag = airflow.dag(dag_id)
        if dag is None or not _is_usable(dag):
            if dag is not None and _is_broken(airflow, dag, edit):
                raise _unknown(airflow, dag_id)
            return f"Airflow has not parsed {dag_id}"
        if edits.parsed(dag, edit):
            return ""
        if left := _defined_instead(airflow, dag_id, edit):
            raise NothingSelected(
                f"{dag['relative_fileloc']} does not define the DAG {dag_id} any more",
                why=f"it defines: {', '.join(left)}",
                next_command=f"sandbox run {left[0]}",
            )
        return f"Airflow has not parsed {dag_id} since its last edit"

    if not complaint():
        return
    # a helper module's edit is noticed only with the next round of all files
    if dag := airflow.dag(dag_id):
        airflow.parse_again(dag["file_token"])
    known = dag is not None and _is_usable(dag)
    patience_seconds = MENDED_SECONDS if not known and airflow.import_errors() else PARSE_SECONDS
    try:
        health.wait_until(complaint, timeout_seconds=patience_seconds, interval_seconds=0.25)
    except health.StillWaiting as waiting:
        dag = airflow.dag(dag_id)
        if edit is None or dag is None or not _is_usable(dag):
            raise _unknown(airflow, dag_id) from None
        raise ServiceNotHealthy(
            str(waiting),
            why=f"{edit.file} was changed {time.time() - edit.at:.0f} s ago, and the dag-processor has not parsed it",
            next_command="sandbox logs airflow",
        ) from None


def _await_assets(airflow: AirflowClient, dag_ids: set[str]) -> None:
    """Wait until all that these DAGs publish is active: Airflow frees the name of an edited URI a little later."""

    def complaint() -> str:
        inactive = [asset for asset in airflow.inactive_assets() if producers(asset) & dag_ids]
        return ", ".join(f"{asset['name']} ({asset['uri']}) is not active" for asset in inactive)

    # two assets of one name or one URI stay so; whether a task comes to publish the wrong one is for Airflow to say
    with suppress(health.StillWaiting):
        health.wait_until(complaint, timeout_seconds=ACTIVE_SECONDS, interval_seconds=0.25)


def _is_usable(dag: Mapping[str, Any]) -> bool:
    """Airflow keeps a DAG whose file is gone or does not import any more: stale, and not to be triggered."""
    return not dag["is_stale"] and not dag["has_import_errors"]


def _defined_instead(airflow: AirflowClient, dag_id: str, edit: edits.Edit | None) -> list[str]:
    """The DAGs of a DAG's file where Airflow found them there after the edit, and no more the DAG itself.

    Airflow keeps such a DAG for a minute as if nothing had happened.
    """
    # of one answer: a file's DAGs are stored together, and may be between two questions
    dags = airflow.dags()
    files = {dag["dag_id"]: dag["relative_fileloc"] for dag in dags}
    found = [dag["dag_id"] for dag in dags if files.get(dag_id) == dag["relative_fileloc"] and edits.parsed(dag, edit)]
    return [] if dag_id in found else found


def _is_broken(airflow: AirflowClient, dag: Mapping[str, Any], edit: edits.Edit | None) -> bool:
    """Whether the DAG's file does not import as it is now: Airflow has tried since the last edit."""
    return any(
        error["filename"].endswith(dag["relative_fileloc"])
        and (edit is None or edits.seconds(error["timestamp"]) > edit.at)
        for error in airflow.import_errors()
    )


def _unknown(airflow: AirflowClient, dag_id: str) -> ConfigurationError | NothingSelected:
    errors = airflow.import_errors()
    if errors:
        why = "\n".join(f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors)
        return ConfigurationError(
            f"Airflow does not know the DAG {dag_id}, and some DAG files do not import",
            why=why,
            next_command="sandbox validate",
        )
    known = ", ".join(dag["dag_id"] for dag in airflow.dags()) or "none"
    return NothingSelected(
        f"Airflow does not know a DAG {dag_id}", why=f"DAGs: {known}", next_command="sandbox validate"
    )


def trigger(airflow: AirflowClient, dag_id: str, conf: dict[str, Any], *, logical_date: datetime | None = None) -> str:
    """Start the dag_run; returns its run_id.

    Raises ConfigurationError where Airflow refuses the conf or the date, as where there is a dag_run of that date.
    """
    try:
        return airflow.trigger(dag_id, conf, logical_date=logical_date)
    except ApiAnswer as answer:
        if answer.status_code == 400:
            date = f" --logical-date {logical_date.isoformat()}" if logical_date else ""
            raise ConfigurationError(
                f"Airflow does not start {dag_id} with --conf {shlex.quote(json.dumps(conf))}{date}",
                why=answer.detail,
                next_command=f"sandbox run {dag_id} --conf JSON    (without it: run.conf of sandbox.toml)",
            ) from None
        if logical_date is None or answer.status_code != 409:
            raise
        raise ConfigurationError(
            f"{dag_id} has a dag_run of {logical_date.isoformat()} already",
            why="Airflow keeps one dag_run of a DAG for each logical date",
            next_command=f"sandbox run {dag_id} --logical-date ANOTHER    (without it: now)",
        ) from None
