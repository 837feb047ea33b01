"""A check remembers settings and SQL for the next one, and never something stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.config import load
from sandbox.wiring.memory import Memory
from sandbox.wiring.notebooks.sql import sql_facts
from sandbox.wiring.settings import WiringSettings, signature

TEXT = "USE CATALOG c; CREATE TEMP VIEW v AS SELECT :p FROM a.b; INSERT INTO t SELECT * FROM '/Volumes/x/y/z'"


def test_what_was_remembered_comes_back(tmp_path: Path) -> None:
    """Settings and facts are the same after a way through the file."""
    file = tmp_path / "wiring.json"
    settings = WiringSettings.of(load(tmp_path, {}).config)
    memory = Memory.read(file)
    memory.remember(settings, "now")
    facts = memory.sql(TEXT)

    memory.write()
    again = Memory.read(file)

    assert (again.settings, again.signature, again.texts) == (settings, "now", {TEXT: facts})
    assert facts == sql_facts(TEXT)


@pytest.mark.parametrize("content", ["", "{}", '{"version": 0}', '{"version": 1, "settings": {}}', "[]"])
def test_a_broken_memory_is_none(tmp_path: Path, content: str) -> None:
    """It costs time, and nothing else."""
    file = tmp_path / "wiring.json"
    file.write_text(content)

    memory = Memory.read(file)

    assert (memory.settings, memory.texts) == (None, {})


def test_without_a_sandbox_nothing_is_written(tmp_path: Path) -> None:
    """`validate` makes no folder in a project that has none."""
    memory = Memory.read(tmp_path / "none" / "wiring.json")
    memory.remember(WiringSettings.of(load(tmp_path, {}).config), "now")

    memory.write()

    assert list(tmp_path.iterdir()) == []


def test_settings_are_read_anew_when_they_may_have_changed(tmp_path: Path) -> None:
    """By the file, by a variable."""
    first = signature(tmp_path, {})
    by_variable = signature(tmp_path, {"SANDBOX_PROJECT_DAGS": "x"})
    (tmp_path / "sandbox.toml").write_text("backend = 'process'\n")

    assert len({first, by_variable, signature(tmp_path, {})}) == 3
    assert signature(tmp_path, {"HOME": "/"}) == signature(tmp_path, {})
