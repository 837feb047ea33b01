"""The configuration file: read whole, or refused with every problem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.settings import TOKEN_VARIABLE, SettingsError, load

GOOD: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 8090,
    "state_dir": "/s",
    "project_root": "/p",
    "bundle": "/p/databricks.yml",
    "bundle_target": "local",
    "bundle_required": False,
    "catalog": "projects",
    "schemas": ["default"],
    "warehouse_dir": "/w",
    "volumes": [{"name": "projects.default.my_volume", "location": "s3://bucket/raw/"}],
    "secrets": {"scope": {"key": "value"}},
    "engine": {"name": "sail", "python": "/e/bin/python", "remote": "sc://127.0.0.1:50051"},
    "runtime_dir": "/r",
    "max_parallel_tasks": 3,
}


def write(tmp_path: Path, values: Any) -> Path:
    """A configuration file."""
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(values))
    return path


def test_a_good_file(tmp_path: Path) -> None:
    """The token comes by environment and is in no representation."""
    settings = load(write(tmp_path, GOOD), {TOKEN_VARIABLE: "hidden"})

    assert settings.volumes[0].path == "/Volumes/projects/default/my_volume"
    assert settings.secrets == {"scope": {"key": "value"}}
    assert settings.url == "http://127.0.0.1:8090"
    assert "hidden" not in repr(settings)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Unknown and missing keys, wrong types, a foreign host, no token."""
    wrong = GOOD | {
        "host": "0.0.0.0",
        "port": "x",
        "schemas": "default",
        "volumes": [{"name": "a", "location": "b"}],
        "typo": 1,
    }
    del wrong["engine"]

    with pytest.raises(SettingsError) as error:
        load(write(tmp_path, wrong), {})

    text = str(error.value)
    for words in ("'typo'", "'engine'", "127.0.0.1 only", "port:", "schemas:", "volumes:", TOKEN_VARIABLE):
        assert words in text


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_file_that_is_no_object(tmp_path: Path, text: str) -> None:
    """Is refused by name."""
    path = tmp_path / "workspace.json"
    path.write_text(text)

    with pytest.raises(SettingsError, match=r"workspace\.json"):
        load(path, {TOKEN_VARIABLE: "x"})
