"""The mirror of the upstream file host."""

from __future__ import annotations

from sandbox.health import Probe
from sandbox.paths import ContainerPaths
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.spec import ARCHIVES, ContainerForm, Mount, ProcessForm, Service, ServiceContext

RUNTIME = "workspace"


def _process(context: ServiceContext) -> ProcessForm:
    folder = context.paths.archives
    return ProcessForm(
        argv=(
            str(context.interpreters[RUNTIME]),
            *("-m", "sandbox.archive.mirror"),
            *("--folder", str(folder), "--host", context.bind, "--port", str(context.ports["archive"])),
        ),
        env=context.islands,
        cwd=folder,
    )


SERVICE = Service(
    name="archive",
    title="Archive mirror",
    default_port=lambda config: config.archive.port,
    port_setting="archive.port",
    runtimes=lambda config: (RuntimeRequest(name=RUNTIME),),
    process=_process,
    container=ContainerForm(
        image="archive", pod="archive", mounts=(Mount(source=ARCHIVES, target=str(ContainerPaths().archives)),)
    ),
    probe=lambda context: Probe(kind="http", target=f"{context.url('archive')}/health"),
    url=lambda context: f"{context.url('archive')}/download/stackexchange/",
    stop_seconds=2.0,
    yields_to="postgres",
)
