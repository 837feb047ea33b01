"""What people see: hints that can be pasted, steps that fail by default, JSON alone on stdout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandbox.console import Terminal, paste_able, table


def test_hints_name_the_command_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that is not on PATH is named by its path from here; words that only contain the name stay."""
    script = tmp_path / ".venv" / "bin" / "sandbox"
    script.parent.mkdir(parents=True)
    script.write_text("")
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)

    assert paste_able("sandbox up && sandbox down") == ".venv/bin/sandbox up && .venv/bin/sandbox down"
    assert paste_able("edit my-sandbox toml") == "edit my-sandbox toml"


def test_a_step_that_raises_is_shown_as_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Success is said last; an exception leaves a cross."""
    terminal = Terminal()
    with pytest.raises(ZeroDivisionError), terminal.step("divide"):
        raise ZeroDivisionError
    with terminal.step("add") as step:
        step.done("made 2")

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(" ✗ divide")
    assert lines[1].startswith(" ✓ add")
    assert lines[1].endswith("made 2")


def test_json_is_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json nothing for people reaches stdout; without it nothing for programs does."""
    Terminal(as_json=True).say("hello")
    Terminal(as_json=True).result({"a": 1})
    Terminal().result({"b": 2})

    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'


def test_quiet_shows_nothing_but_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """--quiet silences steps, notes and tables."""
    terminal = Terminal(quiet=True)
    with terminal.step("work"):
        terminal.note("by the way")
    terminal.show(table(("a",), [(1,)]))

    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
