"""The contract with databricks-sql-connector: the real one, oldest and newest, on a real workspace over Sail."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.databricks_stub.conftest import ROOT, TOKEN, WorkspaceProcess
from tests.integration.databricks_stub.notebook_runs import sail_server
from tests.interpreters import interpreter

AIRFLOWS = ("airflow-3.0.2-py3.11", "airflow-3.3.2-py3.12")
"""Their connectors are 4.0.5 and 4.9.0."""
AWS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}

pytestmark = pytest.mark.xdist_group("warehouse_protocol")


class SparkWorkspace(WorkspaceProcess):
    """The workspace as a sandbox starts it, on an engine."""

    def __init__(self, root: Path, remote: str, short: Path) -> None:
        self._remote = remote
        self._short = short
        super().__init__(root)

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {
            "schemas": ["default", "other", "third"],
            "warehouses": ["sandbox", "team"],
            "engine": {"name": "sail", "python": str(interpreter("engine-sail")), "remote": self._remote},
            "runtime_dir": str(self._short),
        }

    def _command(self) -> list[str | Path]:
        return [interpreter("workspace"), "-m", "sandbox.databricks_stub", "--config", self.config]


@pytest.fixture(scope="module")
def spark_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkWorkspace]:
    """One for all scenarios; each has its own sessions."""
    folder = tmp_path_factory.mktemp("warehouse")
    with (
        pytest.MonkeyPatch.context() as patch,
        # a Unix socket's path has at most 104 characters, those of pytest are long
        tempfile.TemporaryDirectory(prefix="wh-") as short,
        sail_server(folder, AWS) as remote,
    ):
        patch.setenv("PYTHONPATH", str(ROOT))
        made = SparkWorkspace(folder, remote, Path(short))
        try:
            made.start()
            yield made
        finally:
            made.close()


Ask = Callable[[str], dict[str, Any]]


@pytest.fixture(params=AIRFLOWS)
def ask(request: pytest.FixtureRequest, spark_workspace: SparkWorkspace, tmp_path: Path) -> Ask:
    """Plays a scenario of connector_client.py with the connector of an Airflow; nothing but the workspace is asked."""

    def play(scenario: str) -> dict[str, Any]:
        script = Path(__file__).with_name("connector_client.py")
        command: list[str | Path] = [interpreter(request.param), script, scenario, spark_workspace.url, TOKEN]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "UTC"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.rpartition("ANSWER ")[2])
        assert found["elsewhere"] == []
        return found | {"log": done.stderr}

    return play


def test_values_have_python_s_types(ask: Ask) -> None:
    """Arrays, maps and structs are texts, as always in column-based sets; instants have a zone, NULL is None."""
    found = ask("types")

    instant = found["row"].pop(found["names"].index("at"))
    assert re.fullmatch(r"datetime\.datetime\(2024, 1, 2, 3, 4, 5, 678901, tzinfo=tz\w+\(\)\)", instant)
    assert found["row"] == [
        *("1", "2", "3", "4", "1.5", "2.5", "Decimal('12.34')", "True", "'text'", "datetime.date(2024, 1, 2)"),
        *("datetime.datetime(2024, 1, 2, 3, 4, 5)", "b'bytes'", "'[1,2]'", "'{\"k\":1}'", '\'{"x":1,"y":"z"}\''),
    ]
    assert ["dec", "decimal", 10, 2] in found["description"]
    assert set(found["nulls"]) == {True}
    assert found["log"] == ""


def test_many_rows_come_in_parts(ask: Ask) -> None:
    """All of them, in order, however they are fetched."""
    found = ask("rows")

    assert found["in order"] is True
    assert (found["parts"], found["none"]) == ([9000, 15999], [])
    assert found["arrow"] == [12000, ["id", "t"]]


def test_sessions_are_apart(ask: Ask) -> None:
    """Schema, `USE`, temporary views and settings; what cannot be is refused when the session begins."""
    found = ask("sessions")

    assert (found["begun"], found["after use"], found["other"]) == ([["projects", "other"]], [["third"]], [["default"]])
    assert found["mine"] == [[7]]
    assert "[TABLE_OR_VIEW_NOT_FOUND]" in found["theirs"]
    assert found["zones"] == ["Europe/Berlin", "UTC"]
    assert found["no schema"].startswith("DatabaseError") and "nowhere" in found["no schema"]
    assert "[CONFIG_NOT_AVAILABLE]" in found["no setting"]


def test_parameters_are_values(ask: Ask) -> None:
    """By name and by position, of every type."""
    found = ask("parameters")

    time = found["named"].pop(6)
    assert time.startswith("datetime.datetime(2024, 1, 2, 3, 4, 5")
    assert found["named"] == [
        *("1", "1.5", '"it\'s; -- \\\\ no SQL"', "False", "None", "datetime.date(2024, 1, 2)", "Decimal('1.25')")
    ]
    assert (found["positional"], found["array"]) == ([[1, "?", "a"]], [[2]])
    assert "[UNBOUND_SQL_PARAMETER]" in found["too few"]


def test_tables_and_listings(ask: Ask) -> None:
    """What DDL and DML answer, and what a client's catalog browser sees."""
    found = ask("writing")

    assert (found["empty"], found["inserted"], found["partitions"]) == ([], [[2]], '["day"]')
    assert (found["catalogs"], found["schemas"]) == ([["projects"]], [["other", "projects"]])
    assert found["tables"] == [["projects", "other", "made", "TABLE"], ["projects", "other", "seen", "VIEW"]]
    assert found["columns"] == [["made", "id", "INT"], ["made", "day", "DATE"]]


def test_errors_are_those_of_the_connector(ask: Ask) -> None:
    """Their class and the engine's words; the session goes on; a wrong token is told at once."""
    found = ask("failures")

    assert found["missing"].startswith("ServerOperationError: [TABLE_OR_VIEW_NOT_FOUND]")
    assert found["syntax"].startswith("ServerOperationError: ")
    assert "COPY INTO is Databricks' own" in found["copied"]
    assert found["after"] == [[1]]
    assert "Invalid access token." in found["token"]
    assert found["took"] < 30


def test_statements_that_nobody_waits_for(ask: Ask) -> None:
    """Asked for later, under an id of the statement API; a cancelled one ends in the engine, too."""
    found = ask("later")

    assert found["rows"] == [0, 1, 2]
    assert found["state"] in {"3", "CommandState.CANCELLED"}
    assert found["took"] < 20


def test_a_cancelled_statement_ends_its_client_s_wait(ask: Ask) -> None:
    """From another thread, as the provider does at an execution_timeout."""
    found = ask("cancelled")

    assert "CANCELED" in found["raised"]
    assert found["seconds"] < 20


def test_a_statement_is_one_of_the_statement_api(ask: Ask, spark_workspace: SparkWorkspace) -> None:
    """The query id that a client shows is a statement id."""
    query = ask("later")["query"]

    found = spark_workspace.client.get(f"/api/2.0/sql/statements/{query}").raise_for_status().json()

    assert found["status"]["state"] == "CLOSED"
