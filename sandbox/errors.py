"""The exception tree with its exit codes.

SandboxError                 70  our bug, when raised bare
├── TestsFailed               1  a test failed, a dag_run failed, or the gate said no
├── ConfigurationError        2  sandbox.toml, a flag or an argument is wrong
├── NothingSelected           3  a selection matched nothing
├── PrerequisiteMissing       4  this machine lacks something (a Python, disk space, Docker, Java, the network)
├── ServiceNotHealthy         5  a service did not become, or is not, healthy
│   └── PortTaken             5  another program was faster at a port that the sandbox had chosen
└── TeardownIncomplete        6  something could not be stopped or removed
"""

from __future__ import annotations

from typing import ClassVar


class SandboxError(Exception):
    """An error that a user can foresee: what happened, why, and what to type next.

    `what` names the thing and the numbers, `why` is evidence (log lines, an answer of a server), never a guess, and
    `next_command` can be pasted into a shell.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, *, why: str = "", next_command: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_command = next_command
        self.sandbox_name = "default"

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  {line}" for line in self.why.splitlines()]
        if self.next_command:
            lines.append(f"next: {self.next_command}")
        return "\n".join(lines)


class TestsFailed(SandboxError):
    """A test failed, a dag_run failed, or the gate said no."""

    __test__ = False  # pytest would collect it by its name
    exit_code = 1


class ConfigurationError(SandboxError):
    """The configuration, a flag or an argument is wrong."""

    exit_code = 2


class NothingSelected(SandboxError):
    """A selection matched nothing."""

    exit_code = 3


class PrerequisiteMissing(SandboxError):
    """This machine lacks something that the work needs."""

    exit_code = 4


class ServiceNotHealthy(SandboxError):
    """A service did not become healthy, or is not."""

    exit_code = 5


class PortTaken(ServiceNotHealthy):
    """Another program took a port between the moment when it was chosen and the one when its service would bind it.

    The next `up` finds it busy: it takes another one, or says that the port was set.
    """


class TeardownIncomplete(SandboxError):
    """Something could not be stopped or removed."""

    exit_code = 6


INTERRUPTED_EXIT_CODE = 130
"""What a shell expects after Ctrl-C (128 + SIGINT)."""
