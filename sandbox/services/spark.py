"""The Spark engine of the notebooks: each engine is one entry of ENGINES."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.config import Config
from sandbox.health import Probe
from sandbox.paths import ContainerPaths
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.java import find_java
from sandbox.services.spec import LOOPBACK, ContainerForm, Mount, ProcessForm, Service, ServiceContext


@dataclass(frozen=True, kw_only=True)
class EngineForm:
    """An engine: the runtime of its server and of the notebook kernels, and its server's process (None: not ours)."""

    runtime: str
    process: Callable[[ServiceContext], ProcessForm] | None
    check: Callable[[Config], None] = lambda config: None
    """Raises PrerequisiteMissing when this machine lacks something that no runtime brings."""


def _sail(context: ServiceContext) -> ProcessForm:
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


def _spark(context: ServiceContext) -> ProcessForm:
    config = context.config
    file = context.paths.root / "spark" / "engine.json"
    settings = {
        "host": context.bind,
        "port": context.ports["spark"],
        "catalog": config.databricks.catalog,
        "schemas": list(config.databricks.schemas),
        "warehouse": str(context.paths.warehouse),
        "volumes": {f"/Volumes/{name.replace('.', '/')}": at for name, at in config.databricks.volumes.items()},
        "cores": config.engine.cores,
        "memory_mib": config.engine.memory_mib,
    }
    return ProcessForm(
        argv=(
            str(context.interpreters[engine_runtime(config)]),
            *("-m", "sandbox.databricks_stub.kernel.spark.server", "--settings", str(file)),
        ),
        env=context.islands | context.aws_environment | {"TZ": "UTC"} | _java_home(context),
        cwd=context.paths.warehouse,
        folders=(file.parent,),
        files={file: json.dumps(settings, indent=1)},
    )


def _java_home(context: ServiceContext) -> dict[str, str]:
    if context.bind != LOOPBACK:
        return {}  # in a container: its image's own Java, which is on the path
    return {"JAVA_HOME": str(find_java(context.config.engine.java_home).home)}


def _check_java(config: Config) -> None:
    find_java(config.engine.java_home)


ENGINES: Mapping[str, EngineForm] = {
    "sail": EngineForm(runtime="engine-sail", process=_sail),
    "spark": EngineForm(runtime="engine-spark", process=_spark, check=_check_java),
    # the kernels need a Spark Connect client, which that runtime has
    "remote": EngineForm(runtime="engine-sail", process=None),
}


def engine_runtime(config: Config) -> str:
    """The runtime in which the engine and the notebook kernels run."""
    return ENGINES[config.engine.name].runtime


def check_engine(config: Config) -> None:
    """Raises PrerequisiteMissing when the engine cannot run on this machine."""
    ENGINES[config.engine.name].check(config)


def engine_address(context: ServiceContext) -> str:
    """Where kernels reach the engine, as Spark Connect has it."""
    return context.config.engine.remote_url or "" if not _is_ours(context.config) else _url(context)


def _is_ours(config: Config) -> bool:
    return ENGINES[config.engine.name].process is not None


def _process(context: ServiceContext) -> ProcessForm:
    process = ENGINES[context.config.engine.name].process
    assert process is not None
    return process(context)


def _url(context: ServiceContext) -> str:
    return f"sc://{context.address('spark')}"


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
    url=_url,
    enabled=_is_ours,
    check=check_engine,
    stop_seconds=3.0,
)
