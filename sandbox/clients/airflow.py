"""Airflow's REST API v2, as far as running and following DAGs needs it.

Documented: https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from sandbox.clients.http import Api, ApiAnswer
from sandbox.errors import ServiceNotHealthy

FOLD_MARKS = ("::group::", "::endgroup::")
WHERE_IT_LIES = "Log message source details"
"""Lines of a log that only its page in the UI understands."""

AIRFLOW_ITSELF = "/site-packages/airflow/"
"""Frames of a traceback that say nothing about the task."""


@dataclass(frozen=True, kw_only=True)
class TaskLog:
    """The log of one try of a task as text lines, and the exception with which it ended; empty when it has none."""

    lines: tuple[str, ...]
    raised: str


def create_token(base_url: str, *, user: str, password: str) -> str:
    """A JWT for the REST API (`POST /auth/token` of the simple auth manager answers 201)."""
    try:
        response = httpx.post(
            f"{base_url}/auth/token", json={"username": user, "password": password}, timeout=30.0, trust_env=False
        )
    except httpx.HTTPError as error:
        raise ServiceNotHealthy(
            f"airflow does not answer: POST {base_url}/auth/token",
            why=f"{type(error).__name__}: {error}",
            next_command="sandbox status",
        ) from error
    if response.status_code != 201:
        raise ApiAnswer("airflow", "POST", f"{base_url}/auth/token", response)
    return str(response.json()["access_token"])


class AirflowClient:
    """Airflow of one sandbox."""

    def __init__(self, base_url: str, *, user: str, password: str) -> None:
        self.base_url = base_url
        token = create_token(base_url, user=user, password=password)
        headers = {"Authorization": f"Bearer {token}"}
        self._api = Api(service="airflow", base_url=f"{base_url}/api/v2/", headers=headers)
        self._ui_api = Api(service="airflow", base_url=f"{base_url}/ui/", headers=headers)

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """The DAG, or None when Airflow does not know it."""
        try:
            return dict(self._api.request("GET", f"dags/{quote(dag_id)}"))
        except ApiAnswer as answer:
            if answer.status_code == 404:
                return None
            raise

    def dags(self) -> list[dict[str, Any]]:
        """All DAGs, by id."""
        return list(self._api.request("GET", "dags", params={"limit": 1000, "order_by": "dag_id"})["dags"])

    def parse_again(self, file_token: str) -> None:
        """Have the dag-processor parse a DAG's file next; the token is that of the DAG."""
        try:
            self._api.request("PUT", f"parseDagFile/{quote(file_token, safe='')}")
        except ApiAnswer as answer:
            if answer.status_code != 409:  # somebody has asked for it already
                raise

    def import_errors(self) -> list[dict[str, Any]]:
        """What the dag-processor could not import: filename and stack_trace."""
        return list(self._api.request("GET", "importErrors")["import_errors"])

    def assets(self) -> list[dict[str, Any]]:
        """All assets with their producing_tasks and scheduled_dags."""
        return list(self._api.request("GET", "assets", params={"limit": 1000})["assets"])

    def inactive_assets(self) -> list[dict[str, Any]]:
        """The assets whose name or URI is still, or rightly, another one's; a task that publishes one fails."""
        # asked for first: one that becomes active in between must not count
        known = self._api.request("GET", "assets", params={"limit": 1000, "only_active": "false"})["assets"]
        active = {asset["id"] for asset in self.assets()}
        return [asset for asset in known if asset["id"] not in active]

    def dependencies(self) -> dict[str, Any]:
        """What can trigger what, as a graph: nodes with id, label and type, edges with source_id and target_id."""
        # Measured on 3.0.2 and 3.3.2: only the API of the UI says to which aliases a DAG's tasks may add assets
        return dict(self._ui_api.request("GET", "dependencies"))

    def asset_expression(self, dag_id: str) -> dict[str, Any] | None:
        """The asset condition on which a DAG is scheduled: nested {"all"|"any": […]} of {"asset": {"uri", "name"}}.

        An alias is {"alias": {"name"}}; a reference to an asset that no DAG names is {"asset_ref": {"name"|"uri"}}.
        """
        expression = self._api.request("GET", f"dags/{quote(dag_id)}/details")["asset_expression"]
        return dict(expression) if expression else None

    def downstream_tasks(self, dag_id: str) -> dict[str, list[str]]:
        """The tasks of a DAG in its newest version: task_id -> the tasks that wait for it."""
        answer = self._api.request("GET", f"dags/{quote(dag_id)}/tasks")
        return {str(task["task_id"]): list(task["downstream_task_ids"] or []) for task in answer["tasks"]}

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG."""
        self._api.request("PATCH", f"dags/{quote(dag_id)}", json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any], *, logical_date: datetime | None = None) -> str:
        """Start a dag_run, for now or for another logical date; returns its run_id.

        Raises ApiAnswer; its status is 409 where the DAG has a dag_run of that date.
        """
        # a dag_run without a logical date has no `{{ ds }}`; a click on Trigger in the UI gives it that of now, too
        body = {"logical_date": (logical_date or datetime.now(UTC)).isoformat(), "conf": conf}
        return str(self._api.request("POST", f"dags/{quote(dag_id)}/dagRuns", json=body)["dag_run_id"])

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One dag_run."""
        return dict(self._api.request("GET", f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"))

    def dag_runs(self, dag_id: str, *, limit: int = 25) -> list[dict[str, Any]]:
        """The dag_runs of a DAG, the newest first."""
        parameters: dict[str, Any] = {"order_by": "-run_after", "limit": limit}
        return list(self._api.request("GET", f"dags/{quote(dag_id)}/dagRuns", params=parameters)["dag_runs"])

    def stop_dag_run(self, dag_id: str, run_id: str) -> None:
        """End a dag_run: its running tasks are terminated and it is marked failed."""
        self._api.request("PATCH", f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}", json={"state": "failed"})

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a dag_run."""
        path = f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        return list(self._api.request("GET", path, params={"limit": 1000})["task_instances"])

    def asset_events(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The asset events that a dag_run's tasks emitted, oldest first, with uri, extra and created_dagruns."""
        parameters: dict[str, Any] = {"source_dag_id": dag_id, "source_run_id": run_id, "limit": 1000}
        return list(self._api.request("GET", "assets/events", params=parameters)["asset_events"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str, *, map_index: int = -1) -> Any:
        """The value of an XCom; None when there is none."""
        path = (
            f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id)}"
            f"/xcomEntries/{quote(key)}"
        )
        try:
            answer = self._api.request("GET", path, params={"map_index": map_index, "deserialize": "false"})
        except ApiAnswer as error:
            if error.status_code == 404:
                return None
            raise
        return answer["value"]

    def xcom_keys(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1) -> list[str]:
        """The keys of the XComs that a task instance has pushed so far."""
        path = f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id)}/xcomEntries"
        answer = self._api.request("GET", path, params={"map_index": map_index, "limit": 100})
        return [str(entry["key"]) for entry in answer["xcom_entries"]]

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int, *, map_index: int = -1) -> TaskLog:
        """The log of one try of a task, as far as Airflow can read it now.

        Raises ApiAnswer; its status is 500 where the log's bucket is gone.
        """
        path = f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id)}/logs/{try_number}"
        answer = self._api.request("GET", path, params={"map_index": map_index, "full_content": "true"})
        entries = _written_by_the_task(list(answer["content"]))
        errors = [error for entry in entries if isinstance(entry, dict) for error in entry.get("error_detail") or []]
        return TaskLog(
            lines=tuple(line for entry in entries for line in _log_entry(entry)),
            raised=_raised(errors[-1]).strip() if errors else "",
        )

    def pools(self) -> list[dict[str, Any]]:
        """All pools."""
        return list(self._api.request("GET", "pools", params={"limit": 1000})["pools"])

    def create_pool(self, name: str, *, slots: int, description: str) -> None:
        """Create a pool."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        self._api.request("POST", "pools", json=body)


def _written_by_the_task(entries: list[Any]) -> list[Any]:
    """The entries without those at the begin that say where the log lies, which Airflow adds itself."""
    events = [entry.get("event", "") if isinstance(entry, dict) else "" for entry in entries]
    if events[:1] == [f"{FOLD_MARKS[0]}{WHERE_IT_LIES}"] and FOLD_MARKS[1] in events:
        return entries[events.index(FOLD_MARKS[1]) + 1 :]
    return entries


def _log_entry(entry: Any) -> list[str]:
    """A structured log entry as lines: its event, then the traceback that it carries."""
    if isinstance(entry, str):
        return entry.splitlines()
    event = str(entry.get("event", ""))
    lines = [] if event.startswith(FOLD_MARKS) else event.splitlines()
    for error in entry.get("error_detail") or []:
        frames = error.get("frames", [])
        own = [frame for frame in frames if AIRFLOW_ITSELF not in frame["filename"]]
        lines += [
            f'  File "{frame["filename"]}", line {frame["lineno"]}, in {frame["name"]}' for frame in own or frames
        ]
        lines.append(_raised(error))
    return lines


def _raised(error: dict[str, Any]) -> str:
    return f"{error.get('exc_type', '')}: {error.get('exc_value', '')}"
