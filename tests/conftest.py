"""Fixtures for every kind of test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.backends import BACKENDS, Capability
from tests.driver import Cli, copy_project


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line in a copy of this repository's artefacts, in a folder with spaces; taken down afterwards."""
    folder: Path = tmp_path_factory.mktemp("a project with spaces") / "data platform"
    cli = Cli(project=copy_project(folder))
    yield cli
    cli("down", expect=None)
    if Capability.DOWN_REMOVES_EVERYTHING not in BACKENDS[cli.backend].CAPABILITIES:
        cli("reset", expect=None)
