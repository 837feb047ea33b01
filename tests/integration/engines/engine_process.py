"""Starts an engine's server, and a process that executes snippets in sessions of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.services.java import find_java
from sandbox.services.spark import ENGINES
from tests.integration.databricks_stub.conftest import ROOT, wait_until
from tests.interpreters import interpreter

START_SECONDS = 120.0
VOLUME = "/Volumes/projects/default/my_volume"
VOLUMES = {VOLUME: "s3://bucket/raw/"}
AWS = {
    "AWS_ACCESS_KEY_ID": "an-id",
    "AWS_SECRET_ACCESS_KEY": "a-key",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def free_port() -> int:
    """A loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, kw_only=True)
class ServerForm:
    """How an engine's server is started: its module with arguments, and what its environment has beyond AWS."""

    arguments: Callable[[int, Path], list[str]]
    environment: Callable[[], Mapping[str, str]] = dict
    """Raises PrerequisiteMissing where this machine lacks something."""


def _sail(port: int, warehouse: Path) -> list[str]:
    where = ["--catalog", "projects", "--schema", "default", "--warehouse", str(warehouse)]
    return ["sandbox.databricks_stub.kernel.sail.server", "--port", str(port), *where]


def _spark(port: int, warehouse: Path) -> list[str]:
    file = warehouse.parent / "engine.json"
    settings = {"port": port, "catalog": "projects", "schemas": ["default"], "warehouse": str(warehouse)}
    file.write_text(json.dumps(settings | {"volumes": VOLUMES}), encoding="utf-8")
    return ["sandbox.databricks_stub.kernel.spark.server", "--settings", str(file)]


FORMS = {
    "sail": ServerForm(arguments=_sail),
    "spark": ServerForm(arguments=_spark, environment=lambda: {"JAVA_HOME": str(find_java(None).home)}),
}
"""Every engine that the sandbox starts itself."""


@dataclass(kw_only=True)
class Engine:
    """An engine that runs, in a folder of its own whose path has a space."""

    name: str
    folder: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.python = interpreter(ENGINES[self.name].runtime)
        self.warehouse = self.folder / "a project" / "warehouse"
        self.warehouse.mkdir(parents=True)
        self._log = (self.folder / "engine.log").open("wb")
        self.server = self.start_server()
        self._driver = self._start_driver()

    @property
    def remote(self) -> str:
        """Its address."""
        return f"sc://127.0.0.1:{self.port}"

    def start_server(self) -> subprocess.Popen[bytes]:
        """Start the server, and wait until it listens."""
        command = [str(self.python), "-m", *FORMS[self.name].arguments(self.port, self.warehouse)]
        server = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=self.environment, cwd=self.folder)

        def listens() -> bool:
            assert server.poll() is None, (self.folder / "engine.log").read_text("utf-8")[-3000:]
            return is_listening(self.port)

        wait_until(listens, f"the engine's start (its log: {self.folder / 'engine.log'})", START_SECONDS)
        return server

    def _start_driver(self) -> subprocess.Popen[str]:
        request = {
            "engine": {"name": self.name, "remote": self.remote},
            "catalog": "projects",
            "schemas": ["default"],
            "warehouse": str(self.warehouse),
            "volumes": VOLUMES,
        }
        return subprocess.Popen(
            [str(self.python), str(Path(__file__).with_name("driver.py")), json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=self.environment,
            cwd=self.folder,
        )

    def run(self, snippet: str) -> Any:
        """Execute a snippet in a new session; returns its `found`."""
        assert self._driver.stdin
        assert self._driver.stdout
        self._driver.stdin.write(json.dumps(snippet) + "\n")
        self._driver.stdin.flush()
        line = self._driver.stdout.readline()
        assert line, f"the driver ended with {self._driver.wait()} (its log: {self.folder / 'engine.log'})"
        answer = json.loads(line)
        if "error" in answer:
            pytest.fail(f"on {self.name}: {answer['error']}")
        return answer["found"]

    def close(self) -> None:
        """End both."""
        self._driver.kill()
        self.server.terminate()
        for process in (self._driver, self.server):
            process.wait()
        for stream in (self._driver.stdin, self._driver.stdout, self._log):
            if stream:
                stream.close()


def start(name: str, folder: Path, endpoint: str) -> Engine:
    """An engine with an S3; raises PrerequisiteMissing where this machine cannot run it."""
    own = {"AWS_ENDPOINT_URL": endpoint, "PYTHONPATH": str(ROOT), "TZ": "UTC"}
    return Engine(name=name, folder=folder, environment={**os.environ, **AWS, **own, **FORMS[name].environment()})
