"""One container of the docker backend, by testcontainers: made, labelled as ours, found again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sandbox.backends.containers import Contained
from sandbox.errors import PrerequisiteMissing, SandboxError, ServiceNotHealthy
from sandbox.images.docker import failure, foreseen, program
from sandbox.paths import StatePaths
from sandbox.services.spec import ARCHIVES, LOOPBACK, PROJECT, Mount, ServiceContext

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network

INSTANCE_LABEL = "data-platform-sandbox.instance"
SERVICE_LABEL = "data-platform-sandbox.service"
DIGEST_LABEL = "data-platform-sandbox.digest"
STATE_LABEL = "data-platform-sandbox.state"
IMAGE_USER = 50000
LOG_LINES = 30


def client() -> Any:
    """Docker's client; raises PrerequisiteMissing when there is no Docker to talk to."""
    import docker.errors
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.docker_client import DockerClient

    program()
    # Ryuk removes what a dead test left behind; a sandbox must outlive the command that started it, and our labels say
    # whose everything is
    testcontainers_config.ryuk_disabled = True
    try:
        connected = DockerClient().client
        connected.ping()
    except docker.errors.DockerException as error:
        found = failure(["info"], f"Cannot connect to the Docker daemon. docker.sock: {error}", 1)
        raise PrerequisiteMissing(found.what, why=str(error), next_command=found.next_command) from error
    return connected


@contextmanager
def raise_foreseen(what: str, kind: type[SandboxError] = ServiceNotHealthy) -> Iterator[None]:
    """Turn what Docker refuses into an error of ours: by its cause where that is known, else `kind`, with its words."""
    import docker.errors
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        said = getattr(error, "explanation", None) or str(error)
        if found := foreseen(str(said)):
            raise type(found)(found.what, why=f"{what}: {said}", next_command=found.next_command) from error
        raise kind(what, why=str(said), next_command="docker ps --all    (and `docker info`)") from error


def last_lines(container: Container | None) -> str:
    """The end of a container's log, or why there is none."""
    import docker.errors

    try:
        return container.logs(tail=LOG_LINES).decode(errors="replace") if container is not None else ""
    except docker.errors.DockerException as error:
        return f"(its log cannot be read: {error})"


def labels(paths: StatePaths, service: str = "", digest: str = "") -> dict[str, str]:
    """What marks a container, network or volume as this sandbox's."""
    return {
        INSTANCE_LABEL: paths.instance_id,
        STATE_LABEL: str(paths.root),
        SERVICE_LABEL: service,
        DIGEST_LABEL: digest,
    }


def object_name(paths: StatePaths, part: str) -> str:
    """The name of a container, network or volume of this sandbox."""
    return f"sandbox-{paths.name}-{part}-{paths.instance_id[:6]}"


def find(docker: Any, paths: StatePaths) -> dict[str, Container]:
    """This sandbox's containers by service, running or not."""
    found = docker.containers.list(all=True, filters={"label": f"{INSTANCE_LABEL}={paths.instance_id}"})
    return {each.labels[SERVICE_LABEL]: each for each in found}


def user() -> str:
    """The user that containers run as: this one, so that it may read the mounted project; never root."""
    uid = os.getuid()
    return f"{uid or IMAGE_USER}:0"


def make(
    service: Contained, image: str, *, network: Network, outer: ServiceContext, command: tuple[str, ...] | None = None
) -> DockerContainer:
    """The container, not started: on the network under the service's name, its port published on loopback alone.

    `command` runs another command than the service's, without port, name and restarts: a job in its surroundings.
    """
    from testcontainers.community.localstack import LocalStackContainer
    from testcontainers.core.container import DockerContainer

    paths = outer.paths
    container: DockerContainer
    if service.form.image == "localstack" and outer.config.s3.implementation == "localstack":
        container = LocalStackContainer(image, region_name=outer.config.s3.region)
    else:
        container = DockerContainer(image)
    container.with_envs(**service.process.env)
    container.with_network(network)
    container.with_network_aliases(service.name if command is None else f"{service.name}-job")
    for mount in service.form.mounts:
        if mount.is_volume:
            _ensure_volume(mount, paths)
        container.with_volume_mapping(*_mapping(mount, paths))
    for path, text in service.process.files.items():
        # owned by root, and the container's one user must write some of them (Airflow opens its passwords to append)
        container.with_copy_into_container(text.encode(), str(path), 0o666)
    settings: dict[str, Any] = {
        "user": user(),
        "working_dir": str(PurePosixPath(service.process.cwd)),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
    }
    if command is not None:
        container.with_command(list(command)).with_kwargs(**settings, labels=labels(paths, f"{service.name}-job"))
        return container
    if service.process.argv:
        container.with_command(list(service.process.argv))
    container.ports.clear()
    if service.name in outer.ports and service.port is not None:
        container.ports[str(service.port)] = (LOOPBACK, outer.ports[service.name])  # type: ignore[assignment]
    container.with_name(object_name(paths, service.name))
    container.with_kwargs(
        **settings,
        labels=labels(paths, service.name, digest_of(service, image, outer)),
        restart_policy={"Name": "on-failure"},
    )
    return container


def digest_of(service: Contained, image: str, outer: ServiceContext) -> str:
    """What a running container must carry to be left as it is."""
    return f"{service.digest}-{image.rpartition(':')[2]}-{outer.ports.get(service.name, 0)}"


def _ensure_volume(mount: Mount, paths: StatePaths) -> None:
    """Docker would make it too, but without the labels by which `reset` finds it."""
    client().volumes.create(object_name(paths, mount.source), labels=labels(paths))


def _mapping(mount: Mount, paths: StatePaths) -> tuple[str, str, Any]:
    sources: Mapping[str, str] = {PROJECT: str(paths.project), ARCHIVES: str(paths.archives)}
    if mount.source in sources:
        return sources[mount.source], mount.target, "ro"
    return object_name(paths, mount.source), mount.target, "rw"
