"""The launcher's child processes: started by a function that is given, restarted with backoff, told to a state file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
STABLE_AFTER_SECONDS = 60.0
STOP_SECONDS = 3.0
ENDS_BEFORE_GIVING_UP = 4
SHOWN_BYTES = 4096
SHOWN_LINES = 12
PR_SET_CHILD_SUBREAPER = 36


def backoff_seconds(failures: int) -> float:
    """The pause before the start that follows `failures` ends in a row: 0.5, 1, 2 … 30 seconds."""
    return float(min(FIRST_BACKOFF_SECONDS * 2 ** max(failures - 1, 0), LONGEST_BACKOFF_SECONDS))


@dataclass(kw_only=True)
class Member:
    """One component: its process, and when it may start again when it has none."""

    name: str
    pid: int | None = None
    restarts: int = 0
    last_exit: str = ""
    started: float = 0.0
    failures: int = 0
    due: float = 0.0
    was_stable: bool = False

    @property
    def is_hopeless(self) -> bool:
        """Whether it ended again and again and never lived for a minute: it cannot start."""
        return self.failures >= ENDS_BEFORE_GIVING_UP and not self.was_stable


class Family:
    """The components' processes; `start` starts one whose output goes to the file that `log` names."""

    def __init__(
        self, names: Iterable[str], *, start: Callable[[str], int], log: Callable[[str], Path], state_file: Path
    ) -> None:
        self.members = {name: Member(name=name) for name in names}
        self._start = start
        self._log = log
        self._state_file = state_file
        _adopt_orphans()

    def start(self, name: str) -> None:
        """Start one component now."""
        member = self.members[name]
        member.pid = self._start(name)
        member.started = time.monotonic()
        self._tell()

    def start_due(self) -> None:
        """Start again what ended and has waited long enough."""
        for member in self.members.values():
            if member.pid is None and member.restarts and time.monotonic() >= member.due:
                self.start(member.name)

    def next_due_seconds(self) -> float:
        """How long until `start_due` has something to do; one second at most."""
        waits = [member.due - time.monotonic() for member in self.members.values() if member.pid is None]
        return max(0.0, min([*waits, 1.0]))

    def reap(self) -> None:
        """Collect every child that has ended; components are scheduled to start again."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for member in self.members.values():
                if member.pid == pid:
                    self._ended(member, os.waitstatus_to_exitcode(status))

    def _ended(self, member: Member, code: int) -> None:
        member.pid = None
        member.last_exit = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        lived_seconds = time.monotonic() - member.started
        member.was_stable = member.was_stable or lived_seconds > STABLE_AFTER_SECONDS
        member.failures = 1 if lived_seconds > STABLE_AFTER_SECONDS else member.failures + 1
        member.restarts += 1
        member.due = time.monotonic() + backoff_seconds(member.failures)
        print(f"{member.name} {member.last_exit} after {lived_seconds:.1f} s", file=sys.stderr, flush=True)
        self._tell()

    def gives_up(self) -> bool:
        """Whether a component cannot start; then the end of its log has been printed, for whoever looks at ours."""
        for member in self.members.values():
            if member.is_hopeless:
                log = self._log(member.name)
                print(f"{member.name} cannot start; the end of {log.name}:", file=sys.stderr)
                print(_end_of(log), file=sys.stderr, flush=True)
                return True
        return False

    def end_idle_orphans(self, guests: Collection[int] = ()) -> None:
        """Kill what a dead component left and what does no work: adopted processes without children of their own.

        A worker of the LocalExecutor outlives a scheduler that is killed, and would wait for work for ever; one that
        has a child is executing a task, which may finish. `guests` are children of another kind, left alone.
        """
        own = {member.pid for member in self.members.values()}
        for pid in children(os.getpid()):
            if pid not in own and pid not in guests and not children(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Terminate all, wait up to three seconds, kill the rest."""
        for number, wait_seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 1.0)):
            living = [member for member in self.members.values() if member.pid is not None]
            for member in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.pid or 0, number)
            deadline = time.monotonic() + wait_seconds
            while any(member.pid for member in living) and time.monotonic() < deadline:
                self.reap()
                time.sleep(0.02)

    def _tell(self) -> None:
        temporary = self._state_file.with_suffix(".new")
        rows = [asdict(member) | {"running": member.pid is not None} for member in self.members.values()]
        temporary.write_text(json.dumps({"components": rows}, indent=1), encoding="utf-8")
        temporary.replace(self._state_file)


def _end_of(log: Path) -> str:
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - SHOWN_BYTES))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-SHOWN_LINES:])
    return "(it cannot be read)"


def _adopt_orphans() -> None:
    """Become the parent of orphaned grandchildren (Linux; elsewhere init adopts them, and `down` finds them)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    """The direct children of a process; none where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # not Linux, or it just ended
        return []
    return [int(part) for part in text.split()]
