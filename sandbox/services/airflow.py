"""Airflow: API server, scheduler, dag-processor and triggerer under one launcher."""

from __future__ import annotations

import json

from sandbox.airflow_launcher.config import COMPONENTS, LauncherConfig
from sandbox.clients.airflow import AirflowClient
from sandbox.config import Config
from sandbox.health import Probe
from sandbox.paths import ContainerPaths
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.airflow_row import airflow_request, environment
from sandbox.services.spec import PROJECT, ContainerForm, Mount, ProcessForm, Service, ServiceContext

HEALTHY_PATHS = tuple(f"{part}.status" for part in ("metadatabase", "scheduler", "triggerer", "dag_processor"))


def _runtimes(config: Config) -> tuple[RuntimeRequest, ...]:
    return (airflow_request(config),)


def _process(context: ServiceContext) -> ProcessForm:
    home = context.paths.root / "airflow"
    file = home / "launcher.json"
    launcher = LauncherConfig(
        logs=context.paths.logs,
        state_file=home / "components.json",
        validate_socket=context.paths.runtime / "validate.sock",
    )
    secrets = context.credentials
    return ProcessForm(
        argv=(
            str(context.interpreters[airflow_request(context.config).name]),
            *("-m", "sandbox.airflow_launcher", context.config.airflow.launcher, "--config", str(file)),
        ),
        env=context.islands | environment(context),
        cwd=home,
        folders=(home / "logs",),
        files={
            file: launcher.text(),
            home / "passwords.json": json.dumps({secrets.airflow_user: secrets.airflow_password}) + "\n",
        },
    )


def create_pools(context: ServiceContext) -> str:
    """Log in, which shows that it is our Airflow that answers; create the configured pools that do not exist.

    A pool that exists is left as it is.
    """
    secrets = context.credentials
    client = AirflowClient(context.url("airflow"), user=secrets.airflow_user, password=secrets.airflow_password)
    if not context.config.airflow.pools:
        return ""
    existing = {pool["name"] for pool in client.pools()}
    for name, pool in context.config.airflow.pools.items():
        if name not in existing:
            client.create_pool(name, slots=pool.slots, description=pool.description)
    return f"pools: {', '.join(sorted(context.config.airflow.pools))}"


SERVICE = Service(
    name="airflow",
    title="Airflow",
    default_port=lambda config: config.airflow.port,
    port_setting="airflow.port",
    runtimes=_runtimes,
    process=_process,
    container=ContainerForm(
        image="airflow",
        pod="airflow",
        mounts=(
            Mount(source=PROJECT, target=str(ContainerPaths().project)),
            Mount(source="airflow", target=str(ContainerPaths().root / "airflow")),
        ),
    ),
    probe=lambda context: Probe(
        kind="http", target=f"{context.url('airflow')}/api/v2/monitor/health", healthy_paths=HEALTHY_PATHS
    ),
    url=lambda context: context.url("airflow"),
    on_ready=create_pools,
    log_files=tuple(f"airflow-{name}.log" for name in COMPONENTS),
    stop_seconds=6.0,
)
