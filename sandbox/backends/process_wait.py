"""Waits for a process sandbox to become healthy, tells each service as it comes, ends early when one cannot start."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from sandbox import health, ports, room
from sandbox.errors import PortTaken, ServiceNotHealthy
from sandbox.paths import StatePaths
from sandbox.progress import Progress, Step
from sandbox.services import SERVICES
from sandbox.supervisor import ownership
from sandbox.supervisor.model import Launch, ServicePhase, ServiceState, SupervisorState, read_state

ENDS_BEFORE_GIVING_UP = 3
SUPERVISOR_START_SECONDS = 10.0


def tail(file: Path, lines: int) -> str:
    """The last lines of a log; what is not UTF-8 in it is shown as such."""
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 64 * 1024))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])


def stranger_at(port: int, paths: StatePaths) -> str:
    """Who has a port of this sandbox and does not belong to it, in words; empty when nobody does."""
    return ports.stranger(port, lambda pid: ownership.belongs(pid, paths.instance_id))


class _Wait:
    def __init__(self, launch: Launch, before: SupervisorState | None, progress: Progress) -> None:
        self.context = launch.context
        self.fingerprints = {service.name: service.fingerprint for service in launch.services}
        self.pending = list(self.fingerprints)
        self.begun = time.monotonic()
        self.told: dict[str, ServiceState | None] = {}
        self.restarts_before = {name: state.restarts for name, state in before.services.items()} if before else {}
        self.stack = ExitStack()
        self.steps: dict[str, tuple[ExitStack, Step]] = {}
        for name in self.pending:
            stack = ExitStack()
            self.steps[name] = (stack, stack.enter_context(progress.step(SERVICES[name].title)))

    def complaint(self) -> str:
        """What is not healthy yet; raises ServiceNotHealthy when waiting on is useless."""
        room.refuse_full(self.context.paths.root)
        state = read_state(self.context.paths.state_file)
        supervisor = ownership.identify(state.pid, state.created) if state else None
        if state is None or supervisor is None:
            if time.monotonic() - self.begun > SUPERVISOR_START_SECONDS:
                raise ServiceNotHealthy(
                    "the supervisor does not run",
                    why=tail(self.context.paths.logs / "supervisor.log", 20),
                    next_command="sandbox logs supervisor",
                )
            return "the supervisor is starting"
        waiting = []
        for name in list(self.pending):
            known = state.services.get(name)
            if known != self.told.get(name):
                self.told[name] = known
                self._refuse_stranger(name)
            if self._is_healthy(name, known):
                stack, step = self.steps.pop(name)
                shown = (SERVICES[name].url(self.context), known.detail if known else "")
                step.done(" ".join(part for part in shown if part))
                stack.close()
                self.pending.remove(name)
                continue
            detail = known.detail if known else "not started yet"
            self.steps[name][1].update(detail)
            waiting.append(f"{name}: {detail or 'starting'}")
            if known and known.restarts - self.restarts_before.get(name, 0) >= ENDS_BEFORE_GIVING_UP:
                ends = known.restarts - self.restarts_before.get(name, 0)
                raise self.error(name, f"it ended {ends} times, the last time: {known.last_exit}")
        return "; ".join(waiting)

    def _refuse_stranger(self, name: str) -> None:
        """Raise PortTaken when the answers at the service's port, good ones too, are another program's."""
        port = self.context.ports.get(name)
        if port is not None and (who := stranger_at(port, self.context.paths)):
            raise PortTaken(
                f"port {port} of {SERVICES[name].title} was taken by another program while the sandbox started",
                why=f"{who} listens there",
                next_command="sandbox up",
            )

    def _is_healthy(self, name: str, known: ServiceState | None) -> bool:
        if known is None or known.phase is not ServicePhase.HEALTHY or known.fingerprint != self.fingerprints[name]:
            return False
        # state.json may be older than the death of a process: only a living one with our launch counts
        return ownership.identify(known.pid, known.created) is not None

    def error(self, name: str, why: str) -> ServiceNotHealthy:
        """The error for one service, with the end of its log."""
        log = self.context.paths.logs / f"{name}.log"
        return ServiceNotHealthy(
            f"{SERVICES[name].title} did not become healthy within {time.monotonic() - self.begun:.0f} s: {why}",
            why=f"last lines of {log}:\n{tail(log, 20)}",
            next_command=f"sandbox logs {name}",
        )


def wait_until_healthy(launch: Launch, before: SupervisorState | None, progress: Progress) -> None:
    """Wait for all services of `launch`; `before` is the supervisor's state before this `up`.

    Raises ServiceNotHealthy with the last lines of the log: early, when a service ended three times, or after
    limits.up_seconds.
    """
    wait = _Wait(launch, before, progress)
    try:
        health.wait_until(wait.complaint, timeout_seconds=launch.context.config.limits.up_seconds)
    except health.StillWaiting as error:
        failure = wait.error(wait.pending[0], str(error)) if wait.pending else ServiceNotHealthy(str(error))
        _fail(wait, failure)
        raise failure from None
    except BaseException as error:
        _fail(wait, error)
        raise


def _fail(wait: _Wait, error: BaseException) -> None:
    for stack, step in wait.steps.values():
        step.update("")
        stack.__exit__(type(error), error, None)
