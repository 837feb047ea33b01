"""The process backend: every service is a process of this machine, under one supervisor."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from sandbox import credentials, database_template, health, ports, room
from sandbox.backends.base import Capability, FileLog, LogSource, SandboxStatus, ServiceStatus
from sandbox.backends.process_environment import clean_environment
from sandbox.backends.process_supervisor import (
    longest_stop_seconds,
    settled_state,
    supervised,
)
from sandbox.backends.process_wait import stranger_at, wait_until_healthy
from sandbox.errors import ServiceNotHealthy, TeardownIncomplete
from sandbox.paths import StatePaths, make_private, write_private
from sandbox.plan import Plan
from sandbox.progress import Progress
from sandbox.runtimes.build import ensure
from sandbox.runtimes.store import Runtime, cache_folder
from sandbox.services import SERVICES, postgres
from sandbox.services.airflow_row import airflow_request
from sandbox.services.spec import ServiceContext
from sandbox.supervisor import ownership
from sandbox.supervisor.model import (
    Launch,
    ServiceLaunch,
    ServicePhase,
    SupervisorState,
    read_launch,
    read_state,
    remove_traces,
    write_launch,
)

CAPABILITIES = frozenset(
    {
        Capability.LOGS_OUTLIVE_DOWN,
        Capability.MOVABLE_PORTS,
        Capability.RESIDENT_VALIDATOR,
        Capability.DOWN_REMOVES_EVERYTHING,
    }
)


def up(plan: Plan, *, explicit: Collection[str], progress: Progress) -> None:
    """See Backend.up."""
    for planned in plan.services:
        if check := SERVICES[planned.name].check:
            check(plan.config)
    built = ensure(plan.runtimes, progress=progress)
    paths = plan.paths
    running = settled_state(paths, progress)
    if running is None:
        room.require(paths.root)
    for folder in (paths.root, paths.logs, paths.runtime):
        make_private(folder)
    link_package(paths)
    choice = ports.choose(plan, explicit=explicit, held=_held_ports(paths, running), progress=progress)
    with contextlib.closing(choice.reservations):
        _start(plan, choice.ports, built, running, progress)


def _start(
    plan: Plan,
    chosen: Mapping[str, int],
    built: Mapping[str, Runtime],
    running: SupervisorState | None,
    progress: Progress,
) -> None:
    """Start the services on the chosen ports, which are reserved meanwhile, and wait until they are healthy."""
    paths = plan.paths
    interpreters = {name: runtime.python for name, runtime in built.items()}
    context = ServiceContext(
        config=plan.config,
        paths=paths,
        credentials=credentials.load_or_generate(paths.credentials_file),
        ports=chosen,
        interpreters=interpreters,
        runtime_keys={name: runtime.key for name, runtime in built.items()},
        tool_interpreter=Path(sys.executable),
        cache=cache_folder(),
    )
    database_template.ensure(
        postgres.template(context),
        airflow_python=interpreters[airflow_request(plan.config).name],
        postgres_python=interpreters[postgres.RUNTIME],
        environment=clean_environment(os.environ) | {ownership.MARK: paths.instance_id},
        progress=progress,
    )
    launch = _launch(plan, context)
    write_launch(paths.launch_file, launch)
    _kill_unresponsive(context, running)
    with supervised(paths, running):
        wait_until_healthy(launch, running, progress)


def link_package(paths: StatePaths) -> None:
    """Make the folder that islands are imported from."""
    package = Path(__file__).resolve().parent.parent
    link = paths.package_link / "sandbox"
    paths.package_link.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.readlink() != package:
        link.unlink(missing_ok=True)
        link.symlink_to(package)


def _held_ports(paths: StatePaths, running: SupervisorState | None) -> dict[str, int]:
    """The ports of those services of an earlier `up` whose process lives, and has its port or may still get it."""
    if running is None or not paths.launch_file.exists():
        return {}
    before = read_launch(paths.launch_file).context.ports
    alive = {
        name for name, state in running.services.items() if ownership.identify(state.pid, state.created) is not None
    }
    return {name: port for name, port in before.items() if name in alive and not stranger_at(port, paths)}


def _launch(plan: Plan, context: ServiceContext) -> Launch:
    launches = []
    for planned in plan.services:
        entry = SERVICES[planned.name]
        form = entry.process(context)
        for folder in (form.cwd, *form.folders):
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in form.files.items():
            write_private(path, text)
        launches.append(
            ServiceLaunch(
                name=entry.name,
                argv=form.argv,
                env=form.env,
                cwd=str(form.cwd),
                log=str(context.paths.logs / f"{entry.name}.log"),
                probe=entry.probe(context),
                stop_signal=entry.stop_signal,
                stop_seconds=entry.stop_seconds,
                files=form.files_digest,
            )
        )
    return Launch(services=tuple(launches), context=context)


def _kill_unresponsive(context: ServiceContext, running: SupervisorState | None) -> None:
    """End services that were healthy, live on and no longer answer, so that the supervisor starts them again."""
    for name, state in (running.services if running else {}).items():
        process = ownership.identify(state.pid, state.created)
        if process is None or state.phase is not ServicePhase.HEALTHY or name not in SERVICES:
            continue
        probe = SERVICES[name].probe(context)
        if health.lasting(functools.partial(health.check, probe)):
            ownership.signal_group(process.pid, signal.SIGKILL)
            ownership.end([process], grace_seconds=0)


def down(paths: StatePaths, progress: Progress) -> bool:
    """See Backend.down."""
    state = read_state(paths.state_file)
    supervisor = ownership.identify(state.pid, state.created) if state else None
    leftovers = ownership.marked(paths.instance_id) if supervisor is None else []
    if state is None and not leftovers:
        remove_traces(paths)
        return False
    with progress.step("stop") as step:
        longest = longest_stop_seconds()
        if supervisor is not None:
            stubborn = ownership.end([supervisor], grace_seconds=longest + 3)
        for service in state.services.values() if state else ():
            if (process := ownership.identify(service.pid, service.created)) is not None:
                ownership.signal_group(process.pid, signal.SIGTERM)
        stubborn = ownership.end(ownership.marked(paths.instance_id), grace_seconds=longest / 2)
        if stubborn:
            names = ", ".join(f"{process.name()} (pid {process.pid})" for process in stubborn)
            raise TeardownIncomplete(
                f"{len(stubborn)} processes of sandbox {paths.name} do not end",
                why=names,
                next_command="kill -9 " + " ".join(str(process.pid) for process in stubborn),
            )
        paths.state_file.unlink(missing_ok=True)
        remove_traces(paths)
        step.done(f"sandbox {paths.name}")
    return True


def status(paths: StatePaths) -> SandboxStatus:
    """See Backend.status."""
    state = read_state(paths.state_file)
    if state is None or state.leaving or not paths.launch_file.exists():
        return SandboxStatus(name=paths.name, backend="process", services=(), credentials_file=paths.credentials_file)
    launch = read_launch(paths.launch_file)
    with ThreadPoolExecutor() as pool:
        services = tuple(pool.map(lambda item: _ask(item, launch.context, state), launch.services))
    return SandboxStatus(
        name=paths.name,
        backend="process",
        services=(*services, _supervisor_status(state, paths)),
        credentials_file=paths.credentials_file,
    )


def _ask(item: ServiceLaunch, context: ServiceContext, state: SupervisorState) -> ServiceStatus:
    known = state.services.get(item.name)
    process = ownership.identify(known.pid, known.created) if known else None
    entry = SERVICES[item.name]
    complaint = health.check(item.probe) if process is not None else "not running"
    parts = [complaint or (known.detail if known else "")]
    if known and known.phase is not ServicePhase.HEALTHY and process is not None and not complaint:
        complaint = parts[0] = known.detail or known.phase.value
    if known and known.restarts:
        parts.append(f"restarted {known.restarts} × (last time: {known.last_exit})")
    return ServiceStatus(
        name=item.name,
        title=entry.title,
        healthy=not complaint,
        url=entry.url(context),
        detail="; ".join(part for part in parts if part),
        where={"pid": process.pid if process else None},
        started=_started(known.created) if known and process else None,
    )


def _supervisor_status(state: SupervisorState, paths: StatePaths) -> ServiceStatus:
    process = ownership.identify(state.pid, state.created)
    detail = "" if process else "not running: nothing restarts what crashes; `sandbox up` repairs it"
    if room.free_mib(paths.root) < room.FULL_MIB:
        detail = f"the disk of {paths.root} is full: what is down stays down until there is room"
    return ServiceStatus(
        name="supervisor",
        title="Supervisor",
        healthy=not detail,
        url="",
        detail=detail,
        where={"pid": process.pid if process else None},
        started=_started(state.created) if process else None,
    )


def _started(created: float | None) -> datetime | None:
    return datetime.fromtimestamp(created, UTC) if created is not None else None


def context(paths: StatePaths) -> ServiceContext:
    """See Backend.context."""
    try:
        return read_launch(paths.launch_file).context
    except FileNotFoundError:
        raise ServiceNotHealthy(
            f"sandbox {paths.name} is not up", why=f"there is no {paths.launch_file}", next_command="sandbox up"
        ) from None


def end(paths: StatePaths, services: Collection[str]) -> None:
    """See Backend.end. The supervisor starts them again at once."""
    running = read_state(paths.state_file)
    for name, state in (running.services if running else {}).items():
        process = ownership.identify(state.pid, state.created)
        if name in services and process is not None:
            ownership.signal_group(process.pid, signal.SIGTERM)
            ownership.end([process], grace_seconds=SERVICES[name].stop_seconds)


def logs(paths: StatePaths) -> Mapping[str, tuple[LogSource, ...]]:
    """See Backend.logs."""
    names: dict[str, tuple[LogSource, ...]] = {
        entry.name: tuple(FileLog(path=paths.logs / file) for file in (f"{entry.name}.log", *entry.log_files))
        for entry in SERVICES.values()
    }
    return names | {"supervisor": (FileLog(path=paths.logs / "supervisor.log"),)}


def erase(paths: StatePaths, progress: Progress) -> None:
    """See Backend.erase: everything lies in the state folder."""
