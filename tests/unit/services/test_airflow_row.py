"""The environment of Airflow: connections, Variables and secrets under production's names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import Config
from sandbox.credentials import generate
from sandbox.paths import StatePaths
from sandbox.services import SERVICES
from sandbox.services.airflow_row import airflow_request, environment
from sandbox.services.spec import ServiceContext
from sandbox.wiring import dag_import

PORTS = {"airflow": 8080, "s3": 4566, "databricks": 8090, "spark": 50051, "archive": 8091}


def context_for(folder: Path, **airflow: Any) -> ServiceContext:
    config = Config.model_validate({"airflow": airflow, "s3": {"buckets": ["lake"]}})
    interpreters = {
        request.name: folder / "python" for entry in SERVICES.values() for request in entry.runtimes(config)
    }
    return ServiceContext(
        config=config,
        paths=StatePaths(project=folder, name="default"),
        credentials=generate(),
        ports=PORTS,
        interpreters=interpreters,
        runtime_keys=dict.fromkeys(interpreters, "key"),
        tool_interpreter=folder / "tool",
        cache=folder / "cache",
    )


def test_connections_are_aimed_at_the_services(tmp_path: Path) -> None:
    """The S3 connection carries the endpoint; the Databricks one has scheme and port where the hook reads them."""
    context = context_for(
        tmp_path, connections={"aws_conn": {"service": "s3"}, "databricks_conn": {"service": "databricks"}}
    )

    values = environment(context)
    aws, databricks = (json.loads(values[f"AIRFLOW_CONN_{name}"]) for name in ("AWS_CONN", "DATABRICKS_CONN"))

    assert aws["extra"]["endpoint_url"] == "http://127.0.0.1:4566"
    assert (databricks["schema"], databricks["host"], databricks["port"]) == ("http", "127.0.0.1", 8090)
    assert databricks["password"] == context.credentials.databricks_token


def test_the_databricks_connection_reaches_the_warehouse(tmp_path: Path) -> None:
    """By plain http and without telemetry; what the project says itself wins."""
    own = {"service": "databricks", "extra": {"http_path": "/sql/1.0/warehouses/own", "more": 1}}
    context = context_for(tmp_path, connections={"databricks_conn": {"service": "databricks"}, "own": own})

    values = environment(context)
    extra, own_extra = (json.loads(values[f"AIRFLOW_CONN_{name}"])["extra"] for name in ("DATABRICKS_CONN", "OWN"))

    path = "/sql/1.0/warehouses/sandbox0warehous"
    assert extra == {"http_path": path, "_connection_uri": f"http://127.0.0.1:8090{path}", "enable_telemetry": False}
    assert own_extra == extra | own["extra"]


def test_a_connection_of_its_own_is_passed_on(tmp_path: Path) -> None:
    """What sandbox.toml spells out reaches Airflow as it stands, `schema` under that name."""
    context = context_for(tmp_path, connections={"mail": {"conn_type": "smtp", "host": "h", "schema": "x", "port": 25}})

    mail = json.loads(environment(context)["AIRFLOW_CONN_MAIL"])

    assert mail == {"conn_type": "smtp", "host": "h", "schema": "x", "port": 25, "extra": {}}


def test_variables_get_the_addresses(tmp_path: Path) -> None:
    """`{archive.url}` becomes the mirror's address, other braces stay."""
    context = context_for(tmp_path, variables={"base": "{archive.url}/download/", "json": '{"a": 1}'})

    values = environment(context)

    assert values["AIRFLOW_VAR_BASE"] == "http://127.0.0.1:8091/download/"
    assert values["AIRFLOW_VAR_JSON"] == '{"a": 1}'


def test_options_of_the_user_win(tmp_path: Path) -> None:
    """`airflow.config` sets any option, also one that the sandbox sets itself."""
    values = environment(context_for(tmp_path, config={"core.parallelism": "9", "my.own": "1"}))

    assert values["AIRFLOW__CORE__PARALLELISM"] == "9"
    assert values["AIRFLOW__MY__OWN"] == "1"


@pytest.mark.parametrize("folder", ["orchestration/plugins", "/opt/plugins"])
def test_the_folder_of_plugins_lies_in_the_project(tmp_path: Path, folder: str) -> None:
    """For the services and for `validate` alike, from whatever folder they are started; an absolute path stays."""
    context = context_for(tmp_path, config={"core.plugins_folder": folder})

    found = {
        values["AIRFLOW__CORE__PLUGINS_FOLDER"]
        for values in (environment(context), dag_import.environment(context.config, tmp_path))
    }

    assert found == {str(tmp_path / folder)}


def test_the_row_names_the_runtime(tmp_path: Path) -> None:
    """Version and Python choose the lock; provider versions and extra packages are part of the request."""
    request = airflow_request(
        context_for(tmp_path, version="3.3.2", python="3.12", providers={"databricks": "7.9.0"}).config
    )

    assert request.name == "airflow-3.3.2-py3.12"
    assert request.provider_versions == (("databricks", "7.9.0"),)


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "postgres"])
def test_no_secret_stands_in_a_command_line(tmp_path: Path, name: str) -> None:
    """Everybody on the machine can read a process's arguments."""
    context = context_for(tmp_path)
    secrets = vars(context.credentials).values() if hasattr(context.credentials, "__dict__") else ()

    words = " ".join(SERVICES[name].process(context).argv)

    assert secrets
    assert not [secret for secret in secrets if secret != "admin" and secret in words]


def test_everything_listens_on_loopback_only(tmp_path: Path) -> None:
    """Every address of the registry is 127.0.0.1 or a Unix socket."""
    context = context_for(tmp_path)

    addresses = [entry.url(context) for entry in SERVICES.values()]

    assert all("127.0.0.1" in address or address.startswith("unix:") for address in addresses)
