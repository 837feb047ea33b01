"""The chain that a dag_run sets in motion, looked at again and again until nothing of it is left to happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient
from sandbox.clients.http import ApiAnswer
from sandbox.follow.expression import missing
from sandbox.follow.order import depths, upstream
from sandbox.follow.sources import aliases, sources

ENDED = ("success", "failed")
WORKFLOW_LAUNCHER = "_CreateDatabricksWorkflowOperator"
TASK_STATES_WITH_JOB_RUN = ("running", "deferred", "success", "failed", "up_for_retry")


@dataclass(frozen=True, kw_only=True)
class ChainState:
    """What is known of a chain at one moment; the mappings are those of `sandbox run --json`."""

    dag_runs: tuple[Mapping[str, Any], ...]
    job_runs: tuple[Mapping[str, Any], ...]
    assets: tuple[Mapping[str, Any], ...]
    waiting: tuple[str, ...]
    finished: bool
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether everything in the chain ended well."""
        states = [run["state"] for run in (*self.dag_runs, *self.job_runs)]
        return self.finished and all(state in ("success", "SUCCESS") for state in states)


def _seconds(start: str | None, end: str | None) -> float | None:
    if not start:
        return None
    until = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return round((until - datetime.fromisoformat(start)).total_seconds(), 2)


def _milliseconds(start: int | None, end: int | None) -> float | None:
    if not start:
        return None
    until = end or datetime.now(UTC).timestamp() * 1000
    return round((until - start) / 1000, 2)


def job_run_view(run: Mapping[str, Any]) -> dict[str, Any]:
    """A job_run as `sandbox run --json` shows it."""
    tasks = [
        {
            "task_key": task["task_key"],
            "run_id": task["run_id"],
            "state": _job_state(task["state"]),
            "seconds": _milliseconds(task.get("start_time"), task.get("end_time")),
            "depends_on": [item["task_key"] for item in task.get("depends_on", [])],
            "url": task.get("run_page_url", ""),
        }
        for task in run.get("tasks", [])
    ]
    return {
        "job_run_id": run["run_id"],
        "job": run.get("run_name", ""),
        "state": _job_state(run["state"]),
        "state_message": run["state"].get("state_message", ""),
        "seconds": _milliseconds(run.get("start_time"), run.get("end_time")),
        "url": run.get("run_page_url", ""),
        "tasks": tasks,
    }


def _job_state(state: Mapping[str, Any]) -> str:
    return str(state.get("result_state") or state["life_cycle_state"])


class Chain:
    """Follows one dag_run and everything that its asset events start."""

    def __init__(self, airflow: AirflowClient, databricks: DatabricksClient, dag_id: str, run_id: str) -> None:
        self._airflow = airflow
        self._databricks = databricks
        self._dag_runs: list[tuple[str, str]] = [(dag_id, run_id)]
        self._ended: dict[tuple[str, str], dict[str, Any]] = {}
        self._events: dict[int, dict[str, Any]] = {}
        self._job_runs: dict[int, dict[str, Any] | None] = {}
        self._expressions: dict[str, Any] = {}
        self._unanswered = False
        self._triggered_by: dict[int, dict[str, str]] = {}
        self._searched: set[tuple[Any, ...]] = set()
        self._needs: dict[str, dict[str, list[str]]] = {}
        self._begun: str | None = None
        self._sources = {source.name: source for source in sources(airflow)}
        self._added: set[int] = set()
        """The assets that tasks have added to aliases."""

    def look(self) -> ChainState:
        """Ask Airflow and the workspace how far everything is."""
        views = [self._dag_run(*key) for key in list(self._dag_runs)]
        self._look_at_job_runs()
        self._unanswered = False
        producers = {dag_id for source in self._sources.values() for dag_id in source.producers}
        for key in list(self._dag_runs):
            if key in self._ended or key[0] in producers:
                self._look_at_events(*key)
        waiting, expected = self._waiting()
        job_runs = [run for run in self._job_runs.values() if run is not None]
        return ChainState(
            dag_runs=tuple(views),
            job_runs=tuple(job_runs),
            assets=tuple({"uri": event["uri"], "extra": event["extra"]} for event in self._events.values()),
            waiting=tuple(waiting),
            seconds=_seconds(self._begun, None) or 0.0,
            finished=not expected and not self._unanswered and all(key in self._ended for key in self._dag_runs),
        )

    def _dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        if (dag_id, run_id) in self._ended:
            return self._ended[dag_id, run_id]
        run = self._airflow.dag_run(dag_id, run_id)
        self._begun = self._begun or run["start_date"]
        if dag_id not in self._needs:
            self._needs[dag_id] = upstream(self._airflow.downstream_tasks(dag_id))
        needs = self._needs[dag_id]
        place = depths(needs)
        tasks = sorted(
            self._airflow.task_instances(dag_id, run_id),
            key=lambda task: (
                task["start_date"] or "9",
                place.get(task["task_id"], 0),
                task["task_id"],
                task["map_index"],
            ),
        )
        view = {
            "dag_id": dag_id,
            "run_id": run_id,
            "state": run["state"],
            "seconds": _seconds(run["start_date"], run["end_date"]),
            "url": f"{self._airflow.base_url}/dags/{dag_id}/runs/{run_id}",
            "tasks": [self._task(task) | {"depends_on": needs.get(task["task_id"], [])} for task in tasks],
        }
        if run["state"] in ENDED:
            self._ended[dag_id, run_id] = view
        return view

    def _task(self, task: Mapping[str, Any]) -> dict[str, Any]:
        if task["state"] in TASK_STATES_WITH_JOB_RUN:
            self._look_for_job_run(task)
        return {
            "task_id": task["task_id"],
            "map_index": task["map_index"],
            "state": task["state"],
            "try_number": task["try_number"],
            "seconds": _seconds(task["start_date"], task["end_date"]),
        }

    def _look_for_job_run(self, task: Mapping[str, Any]) -> None:
        """The provider's operators and those derived from them push `run_id` and `run_page_url`; nothing else does.

        The first task of a DatabricksWorkflowTaskGroup returns the job_run of all the others.
        """
        key = (task["dag_id"], task["dag_run_id"], task["task_id"])
        looked = (*key, task["map_index"], task["state"], task["try_number"])
        if looked in self._searched:
            return
        if task["state"] != "running":  # a running task may push at any time, the others have pushed what they will
            self._searched.add(looked)
        keys = self._airflow.xcom_keys(*key, map_index=task["map_index"])
        found = None
        if "run_id" in keys and "run_page_url" in keys:
            found = self._airflow.xcom(*key, "run_id", map_index=task["map_index"])
        elif task.get("operator") == WORKFLOW_LAUNCHER and "return_value" in keys:
            found = self._airflow.xcom(*key, "return_value", map_index=task["map_index"])["run_id"]
        if found is not None:
            self._job_runs.setdefault(int(found), None)
            self._triggered_by[int(found)] = dict(zip(("dag_id", "dag_run_id", "task_id"), key, strict=True))

    def _look_at_job_runs(self) -> None:
        for run_id, known in self._job_runs.items():
            if known is None or known["state"] in ("PENDING", "QUEUED", "RUNNING", "TERMINATING", "BLOCKED"):
                view = job_run_view(self._databricks.job_run(run_id))
                self._job_runs[run_id] = view | {"triggered_by": self._triggered_by[run_id]}

    def _look_at_events(self, dag_id: str, run_id: str) -> None:
        try:
            events = self._airflow.asset_events(dag_id, run_id)
        except ApiAnswer as answer:
            # Airflow 3.0.2 answers 500 while a dag_run that an event has created is queued: its model of the answer
            # (DagRunAssetReference) requires a start_date, which such a run does not have yet
            if answer.status_code != 500:
                raise
            self._unanswered = True
            return
        for event in events:
            self._events[event["id"]] = event
            for created in event["created_dagruns"]:
                key = (created["dag_id"], created["run_id"])
                if key not in self._dag_runs:
                    self._dag_runs.append(key)

    def _waiting(self) -> tuple[list[str], list[str]]:
        """What does not run yet, in words, and the DAGs among it that will start without further events."""
        emitted = self._emitted()
        started = {dag_id for dag_id, _ in self._dag_runs}
        to_come = {source.name for source in self._sources.values() if source.producers & started}
        words: list[str] = []
        expected: list[str] = []
        known = [self._sources[name] for name in emitted | to_come if name in self._sources]
        for dag_id in sorted({consumer for source in known for consumer in source.consumers} - started):
            wanting = missing(self._expression(dag_id), emitted)
            if wanting:
                words.append(f"{dag_id} waits for an event of {', '.join(wanting)}")
            elif (dag := self._airflow.dag(dag_id)) is None or dag["is_stale"]:
                continue  # no file defines it any more, and Airflow goes on to name it as a consumer
            elif dag["is_paused"]:
                words.append(f"{dag_id} does not start: it is paused")
            elif not self._find_run_by_alias(dag_id):
                words.append(f"{dag_id} is about to start: all its assets have events")
                expected.append(dag_id)
        return words, expected

    def _emitted(self) -> set[str]:
        """The assets, and the aliases, that have got an event."""
        uris = {event["uri"] for event in self._events.values()}
        # an asset that the DAG does not declare was added to an alias; to which, Airflow says only afterwards
        added = {event["asset_id"] for event in self._by_alias()}
        if added - self._added:
            self._added = added
            self._sources |= {source.name: source for source in aliases(self._airflow)}
        return uris | {source.name for source in self._sources.values() if source.stands_for & added}

    def _by_alias(self) -> list[dict[str, Any]]:
        """The events of assets that their DAG does not declare."""
        declared = {(source.name, dag_id) for source in self._sources.values() for dag_id in source.producers}
        return [event for event in self._events.values() if (event["uri"], event["source_dag_id"]) not in declared]

    def _find_run_by_alias(self, dag_id: str) -> bool:
        """Measured on 3.0.2: a dag_run that an alias has started consumes no events, and so no event names it."""
        if not (events := self._by_alias()):
            return False
        begun = min(datetime.fromisoformat(event["timestamp"]) for event in events)
        found = [
            (dag_id, run["dag_run_id"])
            for run in self._airflow.dag_runs(dag_id)
            if run["run_type"] == "asset_triggered" and datetime.fromisoformat(run["run_after"]) >= begun
        ]
        self._dag_runs += found
        return bool(found)

    def _expression(self, dag_id: str) -> Any:
        if dag_id not in self._expressions:
            self._expressions[dag_id] = self._airflow.asset_expression(dag_id)
        return self._expressions[dag_id]
