"""The Airflow row of a configuration: its runtime, and the environment that makes Airflow ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox import postgres
from sandbox.config import Config
from sandbox.config.model import Connection
from sandbox.databricks_stub.settings import WAREHOUSE_PATH
from sandbox.errors import ConfigurationError
from sandbox.runtimes.registry import RUNTIMES, airflow_runtime
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.spec import ServiceContext

DEVELOPMENT = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "3",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    # a second edit within 30 s would not be stored, and what is stored not be read again for 10 s
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_FETCH_INTERVAL": "0",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
    # for modules only: an edited DAG file is parsed at once, and `sandbox run` waits for either
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
    "AIRFLOW__DAG_PROCESSOR__FILE_PARSING_SORT_MODE": "modified_time",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    # until then an asset whose URI was edited is inactive, for its name is still the old one's: its producer fails for
    # good, and `sandbox run` waits. A pass is a few queries over what the DAGs refer to.
    "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "2",
    # the dag-processor counts as dead after 2.1 heartbeats, and 3.0.2 writes each one period late, and a second more:
    # at the default of 5 s it flaps. A component that really dies is restarted by the launcher at once.
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "30",
    "AIRFLOW__DAG_PROCESSOR__HEALTH_CHECK_THRESHOLD": "90",  # Airflow 3.2 and later
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    # the supervisor of a task may notice its end only with its next heartbeat: 5 s by default
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__API__EXPOSE_CONFIG": "non-sensitive-only",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
}
"""Intervals for one developer instead of a cluster, and no telemetry."""


FOLDERS = frozenset({"core.plugins_folder"})
"""Options of `airflow.config` that are folders of the project."""


def airflow_request(config: Config) -> RuntimeRequest:
    """The runtime of the configured Airflow, with what the project adds to it.

    A databricks provider for which there is a committed lock is a runtime of its own, not an addition to another.
    """
    settings = config.airflow
    providers = dict(settings.providers)
    name = airflow_runtime(settings.version, settings.python)
    if name not in RUNTIMES:
        rows = (spec.name.removeprefix("airflow-").split("-py") for spec in RUNTIMES.values() if spec.is_row)
        raise ConfigurationError(
            f"there is no Airflow {settings.version} on Python {settings.python} (airflow.version, airflow.python)",
            why="there is: " + ", ".join(f"{version} on {python}" for version, python in rows),
            next_command="sandbox config    (shows where both values come from)",
        )
    variant = airflow_runtime(settings.version, settings.python, providers.get("databricks", ""))
    if variant != name and variant in RUNTIMES:
        name = variant
        del providers["databricks"]
    return RuntimeRequest(
        name=name,
        extra_requirements=settings.extra_requirements,
        provider_versions=tuple(sorted(providers.items())),
    )


def environment(context: ServiceContext) -> dict[str, str]:
    """All AIRFLOW* variables of the sandbox's Airflow: settings, secrets, connections, Variables."""
    home = context.paths.root / "airflow"
    sync_url, async_url = database_urls(context)
    secrets = context.credentials
    values = DEVELOPMENT | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(context.dags),
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{context.url('airflow')}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{secrets.airflow_user}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sync_url,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": async_url,
        "AIRFLOW__API__HOST": context.bind,
        "AIRFLOW__API__PORT": str(context.ports["airflow"]),
        "AIRFLOW__API__BASE_URL": context.public_url("airflow"),
        "AIRFLOW__API__SECRET_KEY": secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__DAG_PROCESSOR__CHILD_PROCESS_LOG_DIRECTORY": str(home / "logs" / "dag_processor"),
    }
    values |= {f"AIRFLOW_CONN_{name.upper()}": text for name, text in connections(context).items()}
    values |= {f"AIRFLOW_VAR_{name.upper()}": text for name, text in variables(context).items()}
    return values | options(context.config, context.paths.project)


def database_urls(context: ServiceContext) -> tuple[str, str]:
    """SQLAlchemy's addresses of the metadata database, synchronous and asynchronous."""
    if "postgres" not in context.hosts:
        return postgres.sqlalchemy_urls(context.paths.runtime)
    return postgres.sqlalchemy_network_urls(context.hosts["postgres"], password=context.credentials.database_password)


def options(config: Config, project: Path) -> dict[str, str]:
    """The variables of `airflow.config`; a relative folder lies in the project, where Airflow does not work."""
    return {
        option_variable(key): str(project / value) if key.lower() in FOLDERS else value
        for key, value in config.airflow.config.items()
    }


def option_variable(key: str) -> str:
    """The variable of a setting in `airflow.config`: AIRFLOW__CORE__PARALLELISM for core.parallelism."""
    section, _, option = key.rpartition(".")
    return f"AIRFLOW__{section.replace('.', '_').upper()}__{option.upper()}"


def variables(context: ServiceContext) -> dict[str, str]:
    """The Airflow Variables, with `{service.url}` replaced by addresses."""
    found = {}
    for name, text in context.config.airflow.variables.items():
        for service in context.ports:
            text = text.replace(f"{{{service}.url}}", context.url(service))
        found[name] = text
    return found


def connections(context: ServiceContext) -> dict[str, str]:
    """The configured connections, each as the text that AIRFLOW_CONN_* takes."""
    return {
        name: connection_text(connection, context) for name, connection in context.config.airflow.connections.items()
    }


def connection_text(connection: Connection, context: ServiceContext) -> str:
    """A connection as the JSON that AIRFLOW_CONN_* takes."""
    return json.dumps(_connection(connection, context))


def _warehouse(context: ServiceContext) -> dict[str, Any]:
    """What the provider's SQL operators need, and pass on to databricks-sql-connector."""
    return {
        "http_path": WAREHOUSE_PATH,
        # the connector makes an https address of host and path itself; the id in a DAG's own `http_path` is then one
        # that nobody asks for, which is right: every id names the one warehouse
        "_connection_uri": context.url("databricks") + WAREHOUSE_PATH,
        # it asks https://<host> for a feature flag before it sends anything: nobody listens there
        "enable_telemetry": False,
    }


def _connection(connection: Connection, context: ServiceContext) -> Mapping[str, Any]:
    match connection.service:
        case "s3":
            return {
                "conn_type": "aws",
                "login": context.credentials.aws_access_key_id,
                "password": context.credentials.aws_secret_access_key,
                "extra": {"endpoint_url": context.url("s3"), "region_name": context.config.s3.region}
                | connection.extra,
            }
        case "databricks":
            address = urlsplit(context.url("databricks"))
            # the hook strips scheme and port from the host: they must come as `schema` and `port`
            return {
                "conn_type": "databricks",
                "host": address.hostname,
                "schema": address.scheme,
                "port": address.port,
                "password": context.credentials.databricks_token,
                "extra": _warehouse(context) | connection.extra,
            }
        case None:
            return connection.model_dump(by_alias=True, exclude_none=True, exclude={"service"})
