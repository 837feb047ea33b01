"""What the docker and kind backends share: the services' descriptions, evaluated for the inside of containers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import credentials
from sandbox.config import Config
from sandbox.health import Probe
from sandbox.images.registry import interpreters
from sandbox.paths import ContainerPaths
from sandbox.plan import Plan
from sandbox.runtimes.store import cache_folder
from sandbox.services import SERVICES
from sandbox.services.spec import ContainerForm, ProcessForm, ServiceContext

EVERY_INTERFACE = "0.0.0.0"


@dataclass(frozen=True, kw_only=True)
class Contained:
    """One service, ready for a container: `port` is None for a service that only its peers reach by a fixed port."""

    name: str
    form: ContainerForm
    process: ProcessForm
    probe: Probe
    port: int | None

    @property
    def digest(self) -> str:
        """Sixteen hex digits of everything but the image: a container of another digest is replaced."""
        value = {
            "argv": self.process.argv,
            "env": dict(self.process.env),
            "files": self.process.files_digest,
            "mounts": [dataclasses.astuple(mount) for mount in self.form.mounts],
        }
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def outside(plan: Plan, published: Mapping[str, int]) -> ServiceContext:
    """The context of this machine, where the services are at their published ports; makes the credentials once."""
    return ServiceContext(
        config=plan.config,
        paths=plan.paths,
        credentials=credentials.load_or_generate(plan.paths.credentials_file),
        ports=published,
        interpreters={},
        runtime_keys={},
        tool_interpreter=Path(sys.executable),
        cache=cache_folder(),
    )


def inside(outer: ServiceContext, host_of: Callable[[str], str]) -> ServiceContext:
    """The context as containers see it.

    `outer` is a context made by `outside`; `host_of` names each service as its peers do. Inside, every service listens
    on its default port.
    """
    ports = {
        name: entry.default_port(Config())
        for name, entry in SERVICES.items()
        if entry.default_port is not None and entry.enabled(outer.config)
    }
    return dataclasses.replace(
        outer,
        paths=ContainerPaths(),
        ports=ports,
        published=outer.ports,
        hosts={name: host_of(name) for name in SERVICES},
        bind=EVERY_INTERFACE,
        interpreters=interpreters(outer.config),
        tool_interpreter=Path("/nowhere"),
        cache=Path("/tmp/cache"),
    )


def contained(name: str, context: ServiceContext) -> Contained:
    """The service as a container, in a context made by `inside`."""
    entry = SERVICES[name]
    process = (entry.container.process or entry.process)(context)
    return Contained(
        name=name, form=entry.container, process=process, probe=entry.probe(context), port=context.ports.get(name)
    )
