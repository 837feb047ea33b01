"""The logs of a docker sandbox: of its containers as long as there are any, then of the files that `down` has kept."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.backends.base import CommandLog, FileLog, LogSource
from sandbox.backends.docker_container import object_name
from sandbox.paths import ContainerPaths, StatePaths, write_private
from sandbox.services import SERVICES

if TYPE_CHECKING:
    from docker.models.containers import Container

KEPT_LINES = 20_000
KEPT_FILE_BYTES = 16 * 2**20


def of_containers(paths: StatePaths) -> Mapping[str, tuple[LogSource, ...]]:
    """What `docker logs` shows of each service, and the log files in its container."""
    found: dict[str, tuple[LogSource, ...]] = {}
    for entry in SERVICES.values():
        name = object_name(paths, entry.name)
        sources = [CommandLog(title=entry.name, argv=("docker", "logs", name), lines="--tail", follow="--follow")]
        sources += [
            CommandLog(
                title=Path(file).stem,
                argv=("docker", "exec", name, "tail", str(ContainerPaths().logs / file)),
                lines="-n",
                follow="-F",
            )
            for file in entry.log_files
        ]
        found[entry.name] = tuple(sources)
    return found


def kept(paths: StatePaths) -> Mapping[str, tuple[LogSource, ...]]:
    """The files that `keep` wrote."""
    return {
        entry.name: tuple(FileLog(path=paths.logs / file) for file in (f"{entry.name}.log", *entry.log_files))
        for entry in SERVICES.values()
    }


def keep(paths: StatePaths, service: str, container: Container) -> None:
    """Write the ends of a container's logs to the state folder: it is about to be removed, and they with it."""
    import docker.errors

    write_private(paths.logs / f"{service}.log", container.logs(tail=KEPT_LINES).decode(errors="replace"))
    for file in SERVICES[service].log_files:
        try:
            chunks, told = container.get_archive(str(ContainerPaths().logs / file))
        except docker.errors.NotFound:
            continue  # this component never wrote
        if told["size"] > KEPT_FILE_BYTES:
            continue
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            if member is not None:
                write_private(paths.logs / file, member.read().decode(errors="replace"))
