"""The Databricks workspace that executes the jobs."""

from __future__ import annotations

import json

from sandbox.databricks_stub.settings import WAREHOUSE_ID, WAREHOUSE_PATH, page_key
from sandbox.health import Probe
from sandbox.paths import ContainerPaths
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.spark import engine_address, engine_runtime
from sandbox.services.spec import PROJECT, ContainerForm, Mount, ProcessForm, Service, ServiceContext

RUNTIME = "workspace"
WAREHOUSE = {"DATABRICKS_HTTP_PATH": WAREHOUSE_PATH, "DATABRICKS_WAREHOUSE_ID": WAREHOUSE_ID}
"""The variables by which clients know the SQL warehouse."""


def _settings(context: ServiceContext) -> dict[str, object]:
    """The workspace's configuration file (sandbox.databricks_stub.settings reads it)."""
    config, paths = context.config, context.paths
    return {
        "host": context.bind,
        "public_url": context.public_url("databricks"),
        "peer_hosts": sorted({context.host("databricks")}),
        "port": context.ports["databricks"],
        "state_dir": str(paths.root / "databricks"),
        "project_root": str(paths.project),
        "bundle": str(paths.project / config.project.bundle),
        "bundle_target": config.project.bundle_target,
        # a project may do without one; only a file that somebody has named must be there
        "bundle_required": "bundle" in config.project.model_fields_set,
        "catalog": config.databricks.catalog,
        "schemas": list(config.databricks.schemas),
        "warehouses": list(config.databricks.warehouses),
        "warehouse_dir": str(paths.warehouse),
        "volumes": [
            {"name": name, "location": location} for name, location in sorted(config.databricks.volumes.items())
        ],
        "secrets": config.databricks.secrets,
        "engine": {
            "name": config.engine.name,
            "python": str(context.interpreters[engine_runtime(config)]),
            "remote": engine_address(context),
        },
        "runtime_dir": str(paths.runtime),
        "max_parallel_tasks": config.databricks.max_parallel_tasks,
    }


def _process(context: ServiceContext) -> ProcessForm:
    folder = context.paths.root / "databricks"
    file = folder / "workspace.json"
    return ProcessForm(
        argv=(
            str(context.interpreters[RUNTIME]),
            *("-m", "sandbox.databricks_stub", "--config", str(file)),
        ),
        env=context.islands
        | context.aws_environment
        | {
            "SANDBOX_DATABRICKS_TOKEN": context.credentials.databricks_token,
            # errors reach the notebook as exceptions; their second appearance as a log line helps nobody
            "SPARK_CONNECT_LOG_LEVEL": "CRITICAL",
            # Databricks' clusters run in UTC; collected timestamps follow the process's zone
            "TZ": "UTC",
            "SANDBOX_UV": str(context.interpreters[RUNTIME].with_name("uv")),
        },
        cwd=folder,
        folders=(context.paths.warehouse,),
        files={file: json.dumps(_settings(context), indent=1)},
    )


SERVICE = Service(
    name="databricks",
    title="Databricks",
    default_port=lambda config: config.databricks.port,
    port_setting="databricks.port",
    runtimes=lambda config: (RuntimeRequest(name=RUNTIME), RuntimeRequest(name=engine_runtime(config))),
    process=_process,
    container=ContainerForm(
        image="workspace",
        pod="workspace",
        mounts=(
            Mount(source=PROJECT, target=str(ContainerPaths().project)),
            Mount(source="warehouse", target=str(ContainerPaths().warehouse)),
            Mount(source="databricks", target=str(ContainerPaths().root / "databricks")),
        ),
    ),
    probe=lambda context: Probe(kind="http", target=f"{context.url('databricks')}/health", healthy_paths=("status",)),
    url=lambda context: context.url("databricks"),
    on_ready=lambda context: f"pages: {context.url('databricks')}/?o={page_key(context.credentials.databricks_token)}",
    stop_seconds=5.0,
    yields_to="postgres",
)
