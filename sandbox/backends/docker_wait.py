"""Waits for a docker sandbox to become healthy; ends early, with the end of its log, when a container has died."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sandbox import health
from sandbox.backends.docker_container import last_lines, raise_foreseen
from sandbox.errors import ServiceNotHealthy
from sandbox.progress import Progress
from sandbox.services import SERVICES
from sandbox.services.spec import ServiceContext

if TYPE_CHECKING:
    from docker.models.containers import Container


def until_healthy(running: Mapping[str, Container], outer: ServiceContext, progress: Progress) -> dict[str, str]:
    """Wait for every service that runs; returns what each one's `on_ready` says.

    Raises ServiceNotHealthy with the last lines of the log: early when a container has ended, else after
    limits.up_seconds.
    """
    with ThreadPoolExecutor() as pool:
        waits = {
            name: pool.submit(_wait_for, name, container, outer, progress)
            for name, container in running.items()
            if name in SERVICES
        }
        return {name: wait.result() for name, wait in waits.items()}


def _wait_for(name: str, container: Container, outer: ServiceContext, progress: Progress) -> str:
    entry = SERVICES[name]
    with progress.step(entry.title) as step:

        def asked() -> str:
            container.reload()
            if container.status in ("exited", "dead", "restarting"):
                raise _ended(name, container)
            return complaint(name, container, outer)

        try:
            with raise_foreseen(f"the container of {name} cannot be looked at"):
                health.wait_until(asked, timeout_seconds=outer.config.limits.up_seconds)
        except health.StillWaiting as error:
            raise ServiceNotHealthy(
                f"{entry.title} is not healthy after {outer.config.limits.up_seconds:.0f} s",
                why=f"{error}\n{last_lines(container)}",
                next_command=f"sandbox logs {name}",
            ) from None
        detail = entry.on_ready(outer) if entry.on_ready else ""
        step.done(entry.url(outer) if name in outer.ports else "healthy")
        return detail


def _ended(name: str, container: Container) -> ServiceNotHealthy:
    state = container.attrs["State"]
    memory = ": out of memory" if state.get("OOMKilled") else ""
    return ServiceNotHealthy(
        f"{SERVICES[name].title} ended with exit code {state['ExitCode']}{memory}",
        why=f"last lines of {container.name}:\n{last_lines(container)}",
        next_command=f"sandbox up --keep    (then: docker logs {container.name})",
    )


def complaint(name: str, container: Container, outer: ServiceContext) -> str:
    """What is wrong with a container that runs; empty when it works."""
    if name in outer.ports:
        return health.check(SERVICES[name].probe(outer))
    # the database has no port on this machine
    code, output = container.exec_run(["pg_isready", "-h", "127.0.0.1"])
    return "" if code == 0 else output.decode(errors="replace").strip()
