"""Airflow's metadata database: PostgreSQL without a port."""

from __future__ import annotations

from pathlib import Path

from sandbox import database_template, postgres
from sandbox.health import Probe
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.airflow_row import airflow_request
from sandbox.services.spec import ContainerForm, Mount, ProcessForm, Service, ServiceContext

RUNTIME = "postgres"
CONTAINER_FILES = "/sandbox/run"


def template(context: ServiceContext) -> Path:
    """The migrated cluster that a new sandbox starts from."""
    return database_template.folder(
        context.cache,
        airflow_key=context.runtime_keys[airflow_request(context.config).name],
        postgres_key=context.runtime_keys[RUNTIME],
    )


def _process(context: ServiceContext) -> ProcessForm:
    # a cluster per Airflow version: each has its own schema, and whoever goes back finds what was there
    data = context.paths.root / "postgres" / context.config.airflow.version
    return ProcessForm(
        argv=(
            str(context.tool_interpreter),
            *("-m", "sandbox.metadata_database"),
            *("--bin", str(postgres.binaries(context.interpreters[RUNTIME]))),
            *("--data", str(data)),
            *("--template", str(template(context))),
            *("--airflow-python", str(context.interpreters[airflow_request(context.config).name])),
            *("--socket", str(context.paths.runtime)),
        ),
        cwd=data.parent,
    )


def _container_process(context: ServiceContext) -> ProcessForm:
    """Nothing but the variables of the official image: it may take the place of our own (docker.postgres_image)."""
    data = "/sandbox/state/postgres"
    return ProcessForm(
        argv=(),
        env={
            "POSTGRES_USER": postgres.USER,
            "POSTGRES_DB": postgres.DATABASE,
            "POSTGRES_PASSWORD_FILE": f"{CONTAINER_FILES}/postgres-password",
            "PGDATA": f"{data}/{context.config.airflow.version}",
        },
        cwd=Path(data),
        files={Path(f"{CONTAINER_FILES}/postgres-password"): context.credentials.database_password},
    )


SERVICE = Service(
    name="postgres",
    title="PostgreSQL",
    default_port=None,
    port_setting="",
    runtimes=lambda config: (RuntimeRequest(name=RUNTIME), airflow_request(config)),
    process=_process,
    container=ContainerForm(
        image="postgres",
        pod="postgres",
        mounts=(Mount(source="postgres", target="/sandbox/state/postgres"),),
        process=_container_process,
    ),
    probe=lambda context: Probe(kind="unix", target=str(postgres.socket_file(context.paths.runtime))),
    url=lambda context: f"unix:{postgres.socket_file(context.paths.runtime)}",
    # "fast": SIGTERM would wait until every client has gone by itself
    stop_signal="SIGINT",
    stop_seconds=5.0,
)
