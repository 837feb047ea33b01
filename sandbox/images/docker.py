"""The one seam around the `docker` command; why it cannot be used, in words."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sandbox.errors import PortTaken, PrerequisiteMissing, SandboxError

KEPT_LINES = 30
NO_DAEMON = (
    "cannot connect to the docker daemon",
    "is the docker daemon running",
    "error during connect",
    "failed to connect to the docker api",
    "connection refused",
    "errors pretty printing info",  # what `docker info --format` of 20.10 makes of it
)

PORT_TAKEN = ("address already in use", "port is already allocated", "ports are not available")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def docker(arguments: Sequence[str], *, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Run `docker …` and return its standard output.

    Raises PrerequisiteMissing when Docker is missing, not running, forbidden or out of disk, SandboxError with the last
    lines of its output for all else.
    """
    done = attempt(arguments, stdin=stdin, cwd=cwd)
    if done.returncode != 0:
        raise failure(arguments, done.stdout + done.stderr, done.returncode)
    return done.stdout


def attempt(
    arguments: Sequence[str], *, stdin: str | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `docker …`; the caller looks at the exit code."""
    return subprocess.run([program(), *arguments], input=stdin, cwd=cwd, capture_output=True, text=True, check=False)


def program() -> str:
    """The path of `docker`; raises PrerequisiteMissing where there is none."""
    found = shutil.which("docker")
    if found is None:
        raise PrerequisiteMissing(
            "docker is not on PATH",
            why="the docker and kind backends run containers",
            next_command="sandbox up --backend process    (needs no Docker; to get it: https://docs.docker.com/engine/install/)",
        )
    return found


def failure(arguments: Sequence[str], output: str, code: int) -> SandboxError:
    """The error for a docker command that failed, by what its output says."""
    tail = last_words(output)
    return foreseen(output) or SandboxError(f"docker {' '.join(arguments[:2])} failed with exit code {code}", why=tail)


def last_words(output: str) -> str:
    """What of a failed command's output is shown."""
    return "\n".join(output.strip().splitlines()[-KEPT_LINES:])


def foreseen(output: str) -> SandboxError | None:
    """The error for what Docker says, from whichever command it comes; None when the words are unknown."""
    tail = last_words(output)
    low = output.lower()
    if "permission denied" in low and "docker" in low and "sock" in low:
        return PrerequisiteMissing(
            "this user may not use Docker", why=tail, next_command="sudo usermod -aG docker $USER && newgrp docker"
        )
    if any(words in low for words in NO_DAEMON):
        return PrerequisiteMissing(
            "Docker does not run",
            why=tail,
            next_command="sudo systemctl start docker    (where it is looked for: `docker context ls`)",
        )
    if "no space left on device" in low:
        return PrerequisiteMissing(
            "Docker is out of disk space", why=tail, next_command="docker system df && docker image prune"
        )
    if "manifest unknown" in low or "pull access denied" in low or "failed to resolve" in low or "no such host" in low:
        return PrerequisiteMissing(
            "an image cannot be pulled",
            why=tail,
            next_command="sandbox config    (images.base and images.airflow_base name images that this machine has)",
        )
    if any(words in low for words in PORT_TAKEN):
        return PortTaken(
            "another program took a port before its container could have it", why=tail, next_command="sandbox up"
        )
    return None


def inspect_image(reference: str) -> dict[str, Any] | None:
    """What Docker knows of a local image, or None when there is none."""
    done = attempt(["image", "inspect", reference])
    if done.returncode == 0:
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found[0]
    if "no such image" in done.stderr.lower():
        return None
    raise failure(["image", "inspect", reference], done.stdout + done.stderr, done.returncode)
