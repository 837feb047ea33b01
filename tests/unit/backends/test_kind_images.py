"""Images are saved and loaded in order, only those that lack, and nothing is left of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sandbox.backends.kind_images import Shipment
from sandbox.backends.kind_tools import Tools
from sandbox.console import Terminal
from sandbox.errors import SandboxError
from sandbox.paths import StatePaths

DOCKER = """#!/bin/sh
echo "docker $*" >> "$CALLS"
case "$*" in
  *"images list"*) echo docker.io/ours/there:1;;
  "save --output "*gone*) echo "No such image" >&2; exit 1;;
  "save --output "*) echo content > "$3";;
esac
"""
KIND = """#!/bin/sh
test -s "$3" && echo "kind $*" >> "$CALLS"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`docker` and `kind` that only write down how they were called."""
    for name, script in (("docker", DOCKER), ("kind", KIND)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    return StatePaths(project=tmp_path, name="default")


def test_what_lacks_is_saved_in_order_and_loaded(calls: Path, paths: StatePaths, tools: Tools) -> None:
    """What was saved before the cluster was there is not saved again, and what the worker has is not loaded."""
    with Shipment(paths, tools) as shipment:
        shipment.save(["ours/first:1"])
        shipment.load(["ours/first:1", "ours/there:1", "ours/second:1"])
        shipment.wait(["ours/first:1", "ours/there:1", "ours/second:1"], "images", Terminal(quiet=True))

    lines = calls.read_text().splitlines()
    assert [line.split()[-1] for line in lines if " save " in line] == ["ours/first:1", "ours/second:1"]
    loads = [line for line in lines if line.startswith("kind load image-archive")]
    assert len(loads) == 2
    assert all(line.endswith("-worker") for line in loads)
    assert not (paths.root / "images").exists()


def test_an_image_that_cannot_be_saved_is_said(calls: Path, paths: StatePaths, tools: Tools) -> None:
    """To whoever waits for it; the others are loaded, and nothing stays on the disk."""
    with pytest.raises(SandboxError, match="docker save"), Shipment(paths, tools) as shipment:
        shipment.load(["ours/gone:1", "ours/first:1"])
        shipment.wait(["ours/first:1"], "images", Terminal(quiet=True))
        shipment.wait(["ours/gone:1"], "images", Terminal(quiet=True))

    assert not (paths.root / "images").exists()
