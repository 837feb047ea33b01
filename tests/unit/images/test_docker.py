"""Why Docker cannot be used is told by its own words, with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.backends.kind_tools import tool_failed
from sandbox.errors import PortTaken, PrerequisiteMissing, SandboxError
from sandbox.images.docker import docker, failure

SOCKET = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("said", "what", "next_command"),
    [
        (
            f"permission denied while trying to connect to the Docker daemon socket at {SOCKET}: permission denied",
            "this user may not use Docker",
            "usermod -aG docker",
        ),
        (
            f"Cannot connect to the Docker daemon at {SOCKET}. Is the docker daemon running?",
            "Docker does not run",
            "start docker",
        ),
        (
            "error during connect: Get http://10.0.0.1:2375/info: dial tcp: i/o timeout",
            "Docker does not run",
            "docker context",
        ),
        ("write /var/lib/docker/tmp/x: no space left on device", "Docker is out of disk space", "docker system df"),
        (
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
            "an image cannot be pulled",
            "images.base",
        ),
    ],
)
def test_what_keeps_docker_from_being_used(said: str, what: str, next_command: str) -> None:
    """Each cause is a missing prerequisite with a next step; Docker's own words are the evidence."""
    error = failure(["pull", "x"], said, 1)

    assert isinstance(error, PrerequisiteMissing)
    assert error.what == what
    assert error.why == said
    assert next_command in error.next_command


@pytest.mark.parametrize(
    "said",
    [
        "driver failed: failed to bind host port 127.0.0.1:8080/tcp: address already in use",
        "Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use",
        "driver failed programming external connectivity: Bind for 127.0.0.1:8080 failed: port is already allocated",
        "Ports are not available: exposing port TCP 127.0.0.1:8080 -> 127.0.0.1:0: listen tcp4 127.0.0.1:8080",
    ],
)
def test_a_port_that_somebody_else_was_given(said: str) -> None:
    """The words of the several ways in which Docker publishes ports; another attempt takes other ports."""
    error = failure(["run"], said, 125)

    assert isinstance(error, PortTaken)
    assert error.why == said
    assert isinstance(tool_failed("kind", ("create", "cluster"), said, 1), PortTaken)


def test_anything_else_is_told_as_it_is() -> None:
    """The command, its exit code and the end of what it said."""
    error = failure(["build", "--tag", "x"], "line\n" * 100 + "the step 7 failed", 3)

    assert type(error) is SandboxError
    assert error.what == "docker build --tag failed with exit code 3"
    assert error.why.splitlines()[-1] == "the step 7 failed"
    assert len(error.why.splitlines()) == 30


def test_a_machine_without_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is said that docker is missing, not that it does not run, and that there is a backend without it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PrerequisiteMissing, match="docker is not on PATH") as raised:
        docker(["info"])

    assert "--backend process" in raised.value.next_command
