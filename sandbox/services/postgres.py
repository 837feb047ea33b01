"""Airflow's metadata database: PostgreSQL without a port."""

from __future__ import annotations

from pathlib import Path

from sandbox import database_template, postgres
from sandbox.health import Probe
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.airflow_row import airflow_request
from sandbox.services.spec import ProcessForm, Service, ServiceContext

RUNTIME = "postgres"


def template(context: ServiceContext) -> Path:
    """The migrated cluster that a new sandbox starts from."""
    return database_template.folder(
        context.cache,
        airflow_key=context.runtime_keys[airflow_request(context.config).name],
        postgres_key=context.runtime_keys[RUNTIME],
    )


def _process(context: ServiceContext) -> ProcessForm:
    # a history per Airflow version: another version's schema is another database
    data = context.paths.root / "postgres" / context.config.airflow.version
    return ProcessForm(
        argv=(
            str(context.tool_interpreter),
            *("-m", "sandbox.postgres"),
            *("--bin", str(postgres.binaries(context.interpreters[RUNTIME]))),
            *("--data", str(data)),
            *("--template", str(template(context))),
            *("--socket", str(context.paths.runtime)),
        ),
        cwd=data.parent,
    )


SERVICE = Service(
    name="postgres",
    title="PostgreSQL",
    default_port=None,
    port_setting="",
    runtimes=lambda config: (RuntimeRequest(name=RUNTIME), airflow_request(config)),
    process=_process,
    probe=lambda context: Probe(kind="unix", target=str(postgres.socket_file(context.paths.runtime))),
    url=lambda context: f"unix:{postgres.socket_file(context.paths.runtime)}",
    # "fast": SIGTERM would wait until every client has gone by itself
    stop_signal="SIGINT",
    stop_seconds=5.0,
)
