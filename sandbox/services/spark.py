"""The Spark engine of the notebooks."""

from __future__ import annotations

from sandbox.config import Config
from sandbox.health import Probe
from sandbox.paths import ContainerPaths
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.spec import ContainerForm, Mount, ProcessForm, Service, ServiceContext


def engine_runtime(config: Config) -> str:
    """The runtime in which the engine and the notebook kernels run."""
    return f"engine-{config.engine.name}"


def _process(context: ServiceContext) -> ProcessForm:
    config = context.config
    return ProcessForm(
        argv=(
            str(context.interpreters[engine_runtime(config)]),
            *("-m", "sandbox.databricks_stub.kernel.sail.server"),
            *("--host", context.bind, "--port", str(context.ports["spark"])),
            *("--catalog", config.databricks.catalog),
            *(argument for schema in config.databricks.schemas for argument in ("--schema", schema)),
            *("--warehouse", str(context.paths.warehouse)),
        ),
        env=context.islands | context.aws_environment | {"TZ": "UTC"},
        cwd=context.paths.warehouse,
    )


SERVICE = Service(
    name="spark",
    title="Spark engine",
    default_port=lambda config: config.engine.port,
    port_setting="engine.port",
    runtimes=lambda config: (RuntimeRequest(name=engine_runtime(config)),),
    process=_process,
    container=ContainerForm(
        image="workspace",
        pod="workspace",
        mounts=(Mount(source="warehouse", target=str(ContainerPaths().warehouse)),),
    ),
    probe=lambda context: Probe(kind="tcp", target=context.address("spark")),
    url=lambda context: f"sc://{context.address('spark')}",
    stop_seconds=3.0,
)
