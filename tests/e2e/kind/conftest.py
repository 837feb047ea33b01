"""One sandbox on one Kind cluster, for what only Kubernetes can get right or wrong.

Pods die, releases change, the disk of the database outlives its pod, the network is closed.

`SANDBOX_TEST_BACKENDS=kind nox -s e2e -- tests/e2e/kind` runs these: some minutes for the cluster, then up to a
minute each. The times that the drills took are printed (`-rP`) and kept in the JUnit report as properties.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from sandbox.backends.kind_tools import Tools
from sandbox.matrix.provision import lacks
from tests.driver import Cli, copy_project
from tests.e2e.kind.drills import Keep, tools_of


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A sandbox on kind; it has run the pipeline once. Its cluster is deleted afterwards."""
    if "kind" not in os.environ.get("SANDBOX_TEST_BACKENDS", "").split(","):
        pytest.skip("not asked for: SANDBOX_TEST_BACKENDS=kind runs it, in minutes")
    if reason := lacks("kind"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("kind") / "data platform"
    cli = Cli(project=copy_project(folder), name="tkind", env={"SANDBOX_BACKEND": "kind"})
    try:
        cli("quickstart", timeout_seconds=1500)
        yield cli
    finally:
        cli("reset", expect=None)


@pytest.fixture
def tools(up: Cli) -> Tools:
    """The tools, aimed at the sandbox's cluster."""
    return tools_of(up)


@pytest.fixture
def keep(record_property: Callable[[str, object], None]) -> Keep:
    """Say what a drill took, in the report and on the terminal."""

    def said(what: str, value: object) -> None:
        record_property(what, value)
        print(f"{what}: {value}")

    return said
