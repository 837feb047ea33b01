"""The engines, one of each for all tests, with an S3 behind the volume.

All tests of this folder bear the mark `xdist_group("engines")`: a Java process and two servers are enough for one
machine.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from sandbox.errors import PrerequisiteMissing
from tests.integration.databricks_stub.conftest import wait_until
from tests.integration.engines import engine_process
from tests.integration.engines.engine_process import AWS, FORMS, Engine, free_port, is_listening
from tests.interpreters import interpreter


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server."""
    port = free_port()
    with (tmp_path_factory.mktemp("moto") / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(interpreter("moto")), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
        wait_until(lambda: is_listening(port), "the start of S3")
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def s3(endpoint: str) -> Any:
    """A client, and the bucket of the volume."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=AWS["AWS_REGION"],
        aws_access_key_id=AWS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=AWS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket="bucket")
    return client


class Engines:
    """Starts each engine when it is first asked for; skips the test, with the reason, where it cannot run."""

    def __init__(self, endpoint: str, folders: pytest.TempPathFactory) -> None:
        self._endpoint = endpoint
        self._folders = folders
        self._running: dict[str, Engine] = {}

    def __getitem__(self, name: str) -> Engine:
        asked = os.environ.get("SANDBOX_TEST_ENGINES", name).split(",")
        if name not in asked:
            pytest.skip(f"SANDBOX_TEST_ENGINES={','.join(asked)}: `nox -s engines` tests {name!r}")
        if name not in self._running:
            try:
                made = engine_process.start(name, self._folders.mktemp(name), self._endpoint)
            except PrerequisiteMissing as error:
                pytest.skip(f"the engine {name!r} was not tested: {error}")
            self._running[name] = made
        return self._running[name]

    def close(self) -> None:
        """End them all."""
        for engine in self._running.values():
            engine.close()


@pytest.fixture(scope="session")
def engines(endpoint: str, s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Every engine by name."""
    made = Engines(endpoint, tmp_path_factory)
    yield made
    made.close()


@pytest.fixture(scope="session", params=sorted(FORMS))
def engine(request: pytest.FixtureRequest, engines: Engines) -> Engine:
    """One engine after the other."""
    return engines[request.param]
