"""Drives the `sandbox` command line on a project of its own, as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from sandbox.backends import BACKENDS, marker
from sandbox.clients.airflow import AirflowClient
from sandbox.paths import StatePaths
from sandbox.services.spec import ServiceContext
from sandbox.supervisor.model import SupervisorState, read_state

REPOSITORY = Path(__file__).resolve().parent.parent
ARTEFACTS = ("dags", "notebooks", "databricks.yml", "sandbox.toml")


def copy_project(folder: Path) -> Path:
    """A copy of the production artefacts, for tests to edit and break."""
    folder.mkdir(parents=True)
    for name in ARTEFACTS:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What --json printed."""
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True)
class Cli:
    """The command line in one project."""

    project: Path
    name: str = "default"
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> StatePaths:
        return StatePaths(project=self.project.resolve(), name=self.name)

    @property
    def backend(self) -> str:
        """The name of the backend that the sandbox is, or was last, on."""
        return marker.read(self.paths)

    @property
    def context(self) -> ServiceContext:
        """Addresses and credentials of the running sandbox."""
        return BACKENDS[self.backend].context(self.paths)

    @property
    def airflow(self) -> AirflowClient:
        """A client of the running sandbox's Airflow."""
        secrets = self.context.credentials
        return AirflowClient(self.context.url("airflow"), user=secrets.airflow_user, password=secrets.airflow_password)

    def bucket(self, name: str) -> Any:
        """A bucket, reached with nothing but what `sandbox env` prints."""
        env = self("env", "--json").value
        s3 = boto3.resource(
            "s3",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            region_name=env["AWS_DEFAULT_REGION"],
        )
        return s3.Bucket(name)

    def rows(self, statement: str) -> list[list[Any]]:
        """What `sandbox sql` answers."""
        found: list[list[Any]] = self("sql", "--json", statement).value["rows"]
        return found

    @property
    def started(self) -> dict[str, str | None]:
        """When each service's process began, by service; a service that was restarted has another time."""
        return {service["name"]: service["started"] for service in self.status()["services"]}

    def status(self) -> dict[str, Any]:
        """What `sandbox status --json` says, healthy or not."""
        value: dict[str, Any] = self("status", "--json", expect=None).value
        return value

    @property
    def state(self) -> SupervisorState:
        """What the supervisor of the process backend says."""
        state = read_state(self.paths.state_file)
        assert state is not None, "the sandbox is down"
        return state

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and return at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=self.project,
            env=os.environ | {"SANDBOX_NAME": self.name} | dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, expect: int | None = 0, timeout_seconds: float = 600) -> Finished:
        """Run a command to its end; its exit code must be `expect` (None: any)."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=timeout_seconds)
        done = Finished(code=process.returncode, out=out, err=err)
        assert expect is None or done.code == expect, f"sandbox {' '.join(arguments)} -> {done.code}\n{out}\n{err}"
        return done
