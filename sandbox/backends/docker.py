"""The docker backend: every service is a container on one network, published on loopback, by testcontainers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import health, images, ports
from sandbox.backends import docker_container as containers
from sandbox.backends import docker_logs, docker_wait
from sandbox.backends.base import Capability, LogSource, SandboxStatus, ServiceStatus
from sandbox.backends.containers import Contained, contained, inside, outside
from sandbox.errors import ServiceNotHealthy, TeardownIncomplete
from sandbox.images.registry import IMAGES
from sandbox.paths import StatePaths, make_private, write_private
from sandbox.plan import Plan
from sandbox.progress import Progress
from sandbox.services import SERVICES
from sandbox.services.spec import ServiceContext
from sandbox.services.stored import context_from, to_plain

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testcontainers.core.network import Network

CAPABILITIES = frozenset({Capability.LOGS_OUTLIVE_DOWN, Capability.MOVABLE_PORTS, Capability.DOWN_REMOVES_EVERYTHING})

MIGRATE_SECONDS = 180
STOP_SECONDS = 5


def _file(paths: StatePaths) -> Path:
    return paths.root / "docker.json"


def up(plan: Plan, *, explicit: Collection[str], progress: Progress) -> None:
    """See Backend.up."""
    paths = plan.paths
    docker = containers.client()
    make_private(paths.root)
    running = containers.find(docker, paths)
    choice = ports.choose(plan, explicit=explicit, held=_held_ports(paths, running), progress=progress)
    outer = outside(plan, choice.ports)
    inner = inside(outer, lambda name: name)
    services = [contained(planned.name, inner) for planned in plan.services]
    with contextlib.closing(choice.reservations):
        references = _references(plan, progress)
        stale = _replace_stale(services, references, outer, running)
        # from here on the sandbox exists: `down` and `status` find it
        _remember(outer, {})
        network = _network(docker, paths)
        _start_stale(services, stale, references, network, outer, progress)
    _remember(outer, docker_wait.until_healthy(containers.find(docker, paths), outer, progress))


def _start_stale(
    services: list[Contained],
    stale: set[str],
    references: Mapping[str, str],
    network: Network,
    outer: ServiceContext,
    progress: Progress,
) -> None:
    """Start the containers that are not there: Airflow's last, on a database that is there and migrated."""
    airflow = next(service for service in services if service.name == "airflow")
    with ThreadPoolExecutor() as pool:
        others = [
            pool.submit(_start, service, references, network, outer, progress)
            for service in services
            if service.name in stale and service is not airflow
        ]
        for future in others:
            future.result()
    if airflow.name in stale:
        _migrate(airflow, references["airflow"], network, outer, progress)
        _start(airflow, references, network, outer, progress)


def _references(plan: Plan, progress: Progress) -> dict[str, str]:
    """The images by name, built where their content is new, or as the settings name them."""
    built = images.build(_images(plan), plan.config, plan.paths.project, progress=progress)
    references = {name: image.reference for name, image in built.items()}
    if named := plan.config.docker.postgres_image:
        images.provide(named, setting="docker.postgres_image")
        references["postgres"] = named
    return references


def _images(plan: Plan) -> list[str]:
    names = dict.fromkeys(SERVICES[service.name].container.image for service in plan.services)
    if plan.config.docker.postgres_image:
        names.pop("postgres")
    return [name for name in names if name in IMAGES]


def _held_ports(paths: StatePaths, running: Mapping[str, Container]) -> dict[str, int]:
    if not _file(paths).exists():
        return {}
    before = context(paths).ports
    return {name: port for name, port in before.items() if name in running and running[name].status == "running"}


def _replace_stale(
    services: list[Contained], references: Mapping[str, str], outer: ServiceContext, running: Mapping[str, Container]
) -> set[str]:
    """Remove the containers that must be made anew; returns the services without one."""
    stale = set()
    for service in services:
        container = running.get(service.name)
        wanted = containers.digest_of(service, references[service.form.image], outer)
        if container is not None and container.status == "running" and _answers(container, wanted, service, outer):
            continue
        if container is not None:
            container.remove(force=True, v=True)
        stale.add(service.name)
    return stale


def _answers(container: Container, wanted: str, service: Contained, outer: ServiceContext) -> bool:
    if container.labels.get(containers.DIGEST_LABEL) != wanted:
        return False
    return not health.lasting(lambda: docker_wait.complaint(service.name, container, outer))


def _network(docker: Any, paths: StatePaths) -> Network:
    from testcontainers.core.network import Network

    network = Network(docker_network_kw={"labels": containers.labels(paths)})
    network.name = containers.object_name(paths, "network")
    if not docker.networks.list(names=[f"^{network.name}$"]):
        network.create()
    return network


def _start(
    service: Contained, references: Mapping[str, str], network: Network, outer: ServiceContext, progress: Progress
) -> None:
    with progress.step(f"container {service.name}") as step:
        container = containers.make(service, references[service.form.image], network=network, outer=outer)
        try:
            with containers.raise_foreseen(f"the container of {service.name} does not start"):
                container.start()
                if service.name == "postgres":
                    _wait_for_database(container)
        except TimeoutError as error:
            raise ServiceNotHealthy(
                f"the container of {service.name} does not start",
                why=f"{error}\n{containers.last_lines(container.get_wrapped_container())}",
                next_command=f"docker logs {containers.object_name(outer.paths, service.name)}",
            ) from error
        step.done("started")


def _wait_for_database(container: Any) -> None:
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    ExecWaitStrategy(["pg_isready", "-q", "-h", "127.0.0.1"]).wait_until_ready(container)


def _migrate(airflow: Contained, image: str, network: Network, outer: ServiceContext, progress: Progress) -> None:
    """Bring the database to the schema of this Airflow, in a container of its own that ends."""
    with progress.step("metadata database") as step:
        command = (airflow.process.argv[0], "-m", "airflow", "db", "migrate")
        job = containers.make(airflow, image, network=network, outer=outer, command=command)
        with containers.raise_foreseen("the container that migrates the metadata database does not start"):
            job.start()
        wrapped = job.get_wrapped_container()
        try:
            code = wrapped.wait(timeout=MIGRATE_SECONDS)["StatusCode"]
            if code != 0:
                raise ServiceNotHealthy(
                    f"Airflow could not migrate its metadata database: exit code {code}",
                    why=containers.last_lines(wrapped),
                    next_command="sandbox logs postgres",
                )
        finally:
            wrapped.remove(force=True)
        step.done("migrated")


def _remember(outer: ServiceContext, details: Mapping[str, str]) -> None:
    write_private(_file(outer.paths), json.dumps({"context": to_plain(outer), "details": dict(details)}, indent=1))


def down(paths: StatePaths, progress: Progress) -> bool:
    """See Backend.down."""
    docker = containers.client()
    found = containers.find(docker, paths)
    networks = docker.networks.list(filters={"label": f"{containers.INSTANCE_LABEL}={paths.instance_id}"})
    if not found and not networks:
        _file(paths).unlink(missing_ok=True)
        return False
    with progress.step("stop") as step:
        with containers.raise_foreseen(f"sandbox {paths.name} cannot be taken down", TeardownIncomplete):
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda container: _remove(paths, container), found.values()))
            for network in networks:
                network.remove()
        _file(paths).unlink(missing_ok=True)
        step.done(f"sandbox {paths.name}: {len(found)} containers")
    return True


def _remove(paths: StatePaths, container: Container) -> None:
    import docker.errors

    service = container.labels[containers.SERVICE_LABEL]
    with contextlib.suppress(docker.errors.NotFound):  # somebody else has just removed it
        try:
            # the database alone has something to finish
            if service == "postgres":
                container.stop(timeout=STOP_SECONDS)
            if service in SERVICES:
                docker_logs.keep(paths, service, container)
        finally:
            container.remove(force=True, v=True)


def end(paths: StatePaths, services: Collection[str]) -> None:
    """See Backend.end."""
    for name, container in containers.find(containers.client(), paths).items():
        if name in services:
            _remove(paths, container)


def erase(paths: StatePaths, progress: Progress) -> None:
    """See Backend.erase."""
    docker = containers.client()
    with containers.raise_foreseen(f"the volumes of sandbox {paths.name} cannot be deleted", TeardownIncomplete):
        for volume in docker.volumes.list(filters={"label": f"{containers.INSTANCE_LABEL}={paths.instance_id}"}):
            volume.remove(force=True)


def status(paths: StatePaths) -> SandboxStatus:
    """See Backend.status."""
    if not _file(paths).exists():
        return SandboxStatus(name=paths.name, backend="docker", services=(), credentials_file=paths.credentials_file)
    outer = context(paths)
    details: dict[str, str] = json.loads(_file(paths).read_text())["details"]
    found = containers.find(containers.client(), paths)
    enabled = [name for name, entry in SERVICES.items() if entry.enabled(outer.config)]
    with ThreadPoolExecutor() as pool:
        services = tuple(pool.map(lambda name: _ask(name, found.get(name), outer, details.get(name, "")), enabled))
    return SandboxStatus(name=paths.name, backend="docker", services=services, credentials_file=paths.credentials_file)


def _ask(name: str, container: Container | None, outer: ServiceContext, detail: str) -> ServiceStatus:
    entry = SERVICES[name]
    if container is None:
        complaint, restarts = "there is no container", 0
    else:
        complaint = docker_wait.complaint(name, container, outer) if container.status == "running" else container.status
        restarts = container.attrs.get("RestartCount", 0)
    parts = [complaint or detail, f"restarted {restarts} ×" if restarts else ""]
    return ServiceStatus(
        name=name,
        title=entry.title,
        healthy=not complaint,
        url=entry.url(outer) if name in outer.ports else "",
        detail="; ".join(part for part in parts if part),
        where={"container": container.name if container is not None else None},
        started=_started(container),
    )


def _started(container: Container | None) -> datetime | None:
    if container is None or container.status != "running":
        return None
    return datetime.fromisoformat(container.attrs["State"]["StartedAt"])


def context(paths: StatePaths) -> ServiceContext:
    """See Backend.context."""
    try:
        return context_from(json.loads(_file(paths).read_text(encoding="utf-8"))["context"])
    except FileNotFoundError:
        raise ServiceNotHealthy(
            f"sandbox {paths.name} is not up", why=f"there is no {_file(paths)}", next_command="sandbox up"
        ) from None


def logs(paths: StatePaths) -> Mapping[str, tuple[LogSource, ...]]:
    """See Backend.logs."""
    return docker_logs.of_containers(paths) if _file(paths).exists() else docker_logs.kept(paths)
