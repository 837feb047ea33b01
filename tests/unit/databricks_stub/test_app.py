"""The application: who may ask, what an error looks like, what is missing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sandbox.databricks_stub.routes import ROUTES
from tests.unit.databricks_stub.fakes import TOKEN, Harness


@pytest.mark.parametrize(
    ("header", "status", "message"),
    [
        (None, 401, "Credential was not sent or was of an unsupported type for this API."),
        ("Bearer ", 401, "Credential was not sent or was of an unsupported type for this API."),
        ("Digest x", 401, "Credential was not sent or was of an unsupported type for this API."),
        ("Bearer wrong", 403, "Invalid access token."),
        ("Basic " + base64.b64encode(b"token:wrong").decode(), 403, "Invalid access token."),
    ],
)
def test_without_the_token_nobody_gets_in(harness: Harness, header: str | None, status: int, message: str) -> None:
    """401 and 403 in Databricks's words, for what exists and for what does not."""
    headers = {"Authorization": header} if header is not None else {}
    harness.client.headers.clear()

    answers = [harness.client.get(path, headers=headers) for path in ("/api/2.1/jobs/list", "/api/2.1/nothing")]

    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].json() == {"error_code": str(status), "message": message}


def test_the_token_may_be_a_password(harness: Harness) -> None:
    """Basic authentication with the user name token, as Databricks takes it."""
    header = "Basic " + base64.b64encode(f"token:{TOKEN}".encode()).decode()

    assert harness.client.get("/api/2.1/jobs/list", headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8090", ""])
def test_foreign_hosts_are_refused(harness: Harness, host: str) -> None:
    """A web site that points its own name at 127.0.0.1 gets nothing, not even the health."""
    assert harness.client.get("/health", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "localhost", "LOCALHOST:1", "[::1]:8090"])
def test_loopback_hosts_are_taken(harness: Harness, host: str) -> None:
    """Whatever the port: it may be forwarded."""
    assert harness.client.get("/health", headers={"Host": host}).status_code == 200


def test_a_missing_endpoint_says_where_to_add_it(harness: Harness) -> None:
    """501, never a quiet 404; also for a known path with another method."""
    answers = [harness.client.post("/api/2.1/jobs/list"), harness.client.get("/api/2.0/pipelines")]

    assert [answer.status_code for answer in answers] == [501, 501]
    assert answers[1].json()["error_code"] == "NOT_IMPLEMENTED"
    assert "'GET /api/2.0/pipelines'" in answers[1].json()["message"]
    assert "routes.py" in answers[1].json()["message"]


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_every_version_of_the_jobs_api_is_taken(harness: Harness, version: str) -> None:
    """The Airflow provider moves between them."""
    assert harness.get(f"/{version}/jobs/list") is not None


def test_a_get_may_carry_its_parameters_as_a_body(harness: Harness) -> None:
    """The provider's async hook does so."""
    answer = harness.client.request("GET", "/api/2.1/jobs/runs/get", json={"run_id": 12345})

    assert answer.json() == {"error_code": "INVALID_PARAMETER_VALUE", "message": "Run 12345 does not exist."}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "MALFORMED_REQUEST"),
        (b"[1]", 400, "MALFORMED_REQUEST"),
        (b'{"job_id": "x"}', 400, "INVALID_PARAMETER_VALUE"),
        (b"{}", 400, "INVALID_PARAMETER_VALUE"),
        (b'{"job_id": 5, "only": "a"}', 400, "INVALID_PARAMETER_VALUE"),
        (b'{"x": "' + b"x" * 17_000_000 + b'"}', 413, "REQUEST_TOO_LARGE"),
    ],
)
def test_bad_bodies_are_refused(harness: Harness, body: bytes, status: int, code: str) -> None:
    """Each with its code and a message."""
    answer = harness.client.post("/api/2.1/jobs/run-now", content=body)

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.json()["message"]


def test_our_own_bug_is_an_envelope_too(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 INTERNAL_ERROR, and the traceback in the log."""
    monkeypatch.setattr(type(harness.workspace.services.catalog), "all", lambda *_: json.loads("{"))

    answer = harness.client.get("/api/2.1/jobs/list")

    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert any("Traceback" in line for line in harness.log)


def test_a_slash_at_the_end_changes_nothing(harness: Harness) -> None:
    """The SDK for Python calls sql/statements/ so."""
    answer = harness.post("/2.0/sql/statements/", statement="select 1", warehouse_id="x")

    assert answer["status"] == {"state": "SUCCEEDED"}


def test_routes_are_unique_and_tell_where_they_come_from() -> None:
    """No endpoint twice; every one has a documented handler and a provenance."""
    keys = [(route.method, version, route.path) for route in ROUTES for version in route.api_versions or ("",)]

    assert len(keys) == len(set(keys))
    for route in ROUTES:
        assert route.handler.__doc__, route.path
        assert route.provenance.split(":")[0] in {"Documented", "Measured by reading the SDK for Go", "Assumed", "ours"}


def test_health_tells_of_a_broken_bundle(harnesses: Any, tmp_path: Any) -> None:
    """The workspace itself is well then: its history can still be read."""
    bundle = tmp_path / "databricks.yml"
    bundle.write_text("bundle: [")
    harness: Harness = harnesses(bundle=bundle)

    health = harness.client.get("/health", headers={"Authorization": ""}).json()

    assert health["status"] == "healthy"
    assert health["bundle"]["error"].startswith("databricks.yml:")
    assert health["engine"]["name"] == "fake"
