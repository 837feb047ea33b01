"""Which cluster an `up` takes, makes anew or leaves alone. Docker and Kind are scripts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.backends import kind_cluster
from sandbox.backends.kind_tools import Tools
from sandbox.config import Config
from sandbox.console import Terminal
from sandbox.errors import ConfigurationError
from sandbox.paths import StatePaths

PORTS = {"airflow": 18080, "s3": 14566}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StatePaths:
    """A sandbox whose cluster's nodes are stopped; every call of `docker` and `kind` is written down."""
    paths = StatePaths(project=tmp_path, name="default")
    paths.root.mkdir(parents=True)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "kind"):
        script = f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\n[ "$1" = ps ] && echo "a-node exited"\nexit 0\n'
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return paths


def ensure(paths: StatePaths, ports: dict[str, int]) -> None:
    tools = Tools(kubeconfig=kind_cluster.kubeconfig(paths), namespace="n", context="c")
    kind_cluster.ensure(Config(), paths, ports, tools, Terminal(quiet=True))


def test_a_cluster_for_other_ports_is_kept_and_refused(paths: StatePaths) -> None:
    """A port that another program took while the sandbox was down must not cost its tables."""
    definition = kind_cluster.definition(Config(), paths, PORTS)
    (paths.root / "kind-cluster.json").write_text(json.dumps({"digest": "of before", "definition": definition}))

    with pytest.raises(ConfigurationError, match="made for other settings") as told:
        ensure(paths, PORTS | {"airflow": 18081})

    assert told.value.why == "port of airflow: 18080, now 18081"
    calls = (paths.project / "bin" / "calls").read_text()
    assert "kind" not in calls.replace("io.x-k8s.kind.cluster", "")


def test_what_kind_gets_is_bound_to_loopback(paths: StatePaths) -> None:
    """The API server's address and every published port; the project is mounted read-only."""
    found = kind_cluster.definition(Config(), paths, PORTS)
    [_, worker] = found["nodes"]

    assert found["networking"]["apiServerAddress"] == "127.0.0.1"
    assert {each["listenAddress"] for each in worker["extraPortMappings"]} == {"127.0.0.1"}
    assert all(mount["readOnly"] for mount in worker["extraMounts"])
