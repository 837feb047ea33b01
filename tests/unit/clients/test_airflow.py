"""What is asked of Airflow's API, as far as its own rows cannot tell a difference."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.clients import airflow
from sandbox.clients.airflow import AirflowClient

DAY = datetime(2024, 5, 1, tzinfo=UTC)


class Asked:
    """An API that keeps the bodies of what it is asked."""

    def __init__(self, **_: Any) -> None:
        self.bodies: list[dict[str, Any]] = []

    def request(self, method: str, path: str, *, json: dict[str, Any]) -> dict[str, Any]:
        """Answer as Airflow does to a dag_run that it has made."""
        self.bodies.append(json)
        return {"dag_run_id": f"{method} {path}"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The API behind every client."""
    made = Asked()
    monkeypatch.setattr(airflow, "create_token", lambda base_url, *, user, password: "token")
    monkeypatch.setattr(airflow, "Api", lambda **_: made)
    return made


def test_assets_that_are_not_active_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow lists the active ones only, unless it is asked for all."""

    class Listing(Asked):
        def request(self, method: str, path: str, *, params: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
            return {"assets": [{"id": 1}, {"id": 2}] if params.get("only_active") == "false" else [{"id": 1}]}

    monkeypatch.setattr(airflow, "create_token", lambda base_url, *, user, password: "token")
    monkeypatch.setattr(airflow, "Api", lambda **_: Listing())

    assert AirflowClient("http://airflow", user="u", password="p").inactive_assets() == [{"id": 2}]


def test_a_dag_run_has_a_logical_date(asked: Asked) -> None:
    """That of now, unless another is wanted: without one `{{ ds }}` is undefined in its tasks."""
    client = AirflowClient("http://airflow", user="u", password="p")
    before = datetime.now(UTC)

    run_id = client.trigger("made", {"a": 1})
    client.trigger("made", {}, logical_date=DAY)

    assert run_id == "POST dags/made/dagRuns"
    now, given = (datetime.fromisoformat(body["logical_date"]) for body in asked.bodies)
    assert before <= now <= datetime.now(UTC)
    assert given == DAY
    assert [body["conf"] for body in asked.bodies] == [{"a": 1}, {}]
