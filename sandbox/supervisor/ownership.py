"""Find and end processes that belong to a sandbox: by pid and start time, and by the mark in their environment."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping

import psutil

MARK = "SANDBOX_INSTANCE"
"""Environment variable that every process of a sandbox carries; its value is StatePaths.instance_id."""

SERVICE_MARK = "SANDBOX_SERVICE"
"""Environment variable that every process of a service carries, with the service's name."""

GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)


def identify(pid: int | None, created: float | None) -> psutil.Process | None:
    """The living process with this pid that started at this time; None when it ended (or its pid was reused)."""
    if pid is None or created is None:
        return None
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - created) > 0.05 or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def belongs(pid: int, instance_id: str) -> bool:
    """Whether the process is this sandbox's: it carries the mark, or a process that it descends from does.

    A process that writes its own title, as Airflow's API server does, overwrites its environment with it.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.parents()]
    except GONE:
        return False
    return any(_carries({MARK: instance_id}, each) for each in family)


def marked(instance_id: str) -> list[psutil.Process]:
    """Every living process that carries this sandbox's mark, except the caller and its ancestors."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in _with_environment({MARK: instance_id}) if process.pid not in own]


def of_service(instance_id: str, service: str) -> list[psutil.Process]:
    """Every living process of one service of a sandbox, whatever group or session it has made for itself."""
    return list(_with_environment({MARK: instance_id, SERVICE_MARK: service})) if instance_id else []


def _with_environment(wanted: Mapping[str, str]) -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if _carries(wanted, process))


def _carries(wanted: Mapping[str, str], process: psutil.Process) -> bool:
    try:
        return wanted.items() <= process.environ().items() and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.AccessDenied, *GONE):
        return False  # another user's process, or one that just ended: neither is ours
    except OSError:
        return False  # a kernel thread or a process in exit: it has no environment to read


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the process group that `pid` leads; a group that is gone already is fine."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS answers EPERM instead of ESRCH for a group of zombies
        return


def end(processes: Iterable[psutil.Process], *, grace_seconds: float) -> list[psutil.Process]:
    """Terminate, then kill; returns those that live on."""
    victims = list(processes)
    for number, wait_seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 3.0)):
        for process in victims:
            try:
                process.send_signal(number)
            except GONE:
                continue
        _, victims = psutil.wait_procs(victims, timeout=wait_seconds)
        if not victims:
            return []
    return victims
