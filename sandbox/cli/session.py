"""What every command shares: its common options, the configuration, the state folder, the terminal."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.console import Terminal
from sandbox.errors import ConfigurationError, SandboxError
from sandbox.paths import StatePaths, find_project

if TYPE_CHECKING:
    # imported when a command needs them: the configuration and the backends cost more than `validate` takes
    from sandbox.backends import Backend
    from sandbox.config import Config, LoadedConfig

NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,30}$")


@dataclass(frozen=True, kw_only=True)
class Session:
    """One invocation of the command line."""

    terminal: Terminal
    paths: StatePaths
    flags: Mapping[str, object]

    @functools.cached_property
    def loaded(self) -> LoadedConfig:
        """The configuration, read when a command first needs it: `down` and `logs` work without a valid one."""
        from sandbox.config import load

        return load(self.paths.project, os.environ, self.flags)

    @property
    def config(self) -> Config:
        """The settings."""
        return self.loaded.config

    @property
    def backend(self) -> Backend:
        """The backend that this sandbox runs on."""
        from sandbox.backends import backend_of, marker

        return backend_of(marker.read(self.paths))


def make_session(*, name: str, as_json: bool, quiet: bool, flags: Mapping[str, object] | None = None) -> Session:
    """Find the project and check the sandbox's name."""
    if not NAME.match(name):
        raise ConfigurationError(
            f"{name!r} is no name for a sandbox",
            why="a name has lower-case letters, digits and hyphens, at most 31 of them",
            next_command="sandbox up --name default",
        )
    project = find_project(Path.cwd())
    return Session(
        terminal=Terminal(quiet=quiet, as_json=as_json, name=name),
        paths=StatePaths(project=project, name=name),
        flags={key: value for key, value in (flags or {}).items() if value is not None},
    )


def backend_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --backend, which wins over sandbox.toml; stands below `common_options`."""

    @click.option("--backend", type=click.Choice(["process", "docker", "kind"]), help="Where the services run.")
    @functools.wraps(command)
    def wrapped(session: Session, *arguments: Any, backend: str | None, **options: Any) -> Any:
        flags = {**session.flags, **({"backend": backend} if backend else {})}
        return command(dataclasses.replace(session, flags=flags), *arguments, **options)

    return wrapped


def context_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --context, which stands for the backend `cluster`; stands below `backend_option`."""

    @click.option("--context", help="A context of your kubeconfig: deploy to that cluster, with production's profile.")
    @functools.wraps(command)
    def wrapped(session: Session, *arguments: Any, context: str | None, **options: Any) -> Any:
        if context and session.flags.get("backend") in ("process", "docker"):
            raise ConfigurationError(
                f"--context names a cluster, and --backend {session.flags['backend']} has none",
                next_command=f"sandbox up --context {context}",
            )
        flags = {**session.flags, **({"backend": "cluster", "cluster.context": context} if context else {})}
        return command(dataclasses.replace(session, flags=flags), *arguments, **options)

    return wrapped


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --name, --json, --quiet and --debug, and pass them to the command as one Session."""

    @click.option("--name", default="default", envvar="SANDBOX_NAME", show_default=True, help="Which sandbox.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
    @click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @functools.wraps(command)
    def wrapped(*arguments: Any, name: str, as_json: bool, quiet: bool, debug: bool, **options: Any) -> Any:
        click.get_current_context().obj = {"debug": debug, "quiet": quiet}
        try:
            return command(make_session(name=name, as_json=as_json, quiet=quiet), *arguments, **options)
        except SandboxError as error:
            error.sandbox_name = name  # so that what to type next is about the same sandbox
            raise

    return wrapped
