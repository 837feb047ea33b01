"""The engines as processes, and their settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from sandbox.config.model import Config
from sandbox.paths import StatePaths
from sandbox.plan import resolve
from sandbox.services.spark import ENGINES, engine_runtime


def config(**engine: object) -> Config:
    """A configuration with this engine."""
    return Config.model_validate({"engine": engine})


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_each_engine_has_a_runtime(name: str) -> None:
    """Its kernels run in it, whoever runs the server."""
    assert engine_runtime(config(name=name, remote_url="sc://a.example:15002")).startswith("engine-")


def test_a_remote_engine_is_no_service_of_ours(tmp_path: Path) -> None:
    """Nothing is started for it."""
    paths = StatePaths(project=tmp_path, name="default")

    ours = {service.name for service in resolve(config(), paths).services}
    others = {service.name for service in resolve(config(name="remote", remote_url="sc://a:1"), paths).services}

    assert ours - others == {"spark"}


def test_a_remote_engine_needs_its_address() -> None:
    """One of Spark Connect."""
    with pytest.raises(ValidationError, match="remote_url"):
        config(name="remote")
    with pytest.raises(ValidationError, match="sc://"):
        config(name="remote", remote_url="http://a.example")


@pytest.mark.parametrize("backend", ["docker", "kind"])
def test_classic_spark_runs_as_a_process_only(backend: str) -> None:
    """The images have no Java; that is refused, not found out later."""
    with pytest.raises(ValidationError, match="process backend only"):
        Config.model_validate({"backend": backend, "engine": {"name": "spark"}})
