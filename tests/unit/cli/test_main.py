"""The command line: exit codes by class of error, help for every command, crash reports for our bugs."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click
import pytest

from sandbox.cli.main import COMMANDS, group, run
from sandbox.errors import ServiceNotHealthy


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`sandbox VERB --help` works and says more than the usage."""
    assert run([name, "--help"]) == 0

    assert len(capsys.readouterr().out.splitlines()) > 4


@pytest.mark.parametrize("arguments", [[], ["runtimes"], ["archive"], ["matrix"], ["images"]])
def test_the_list_of_commands_cuts_no_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A newcomer reads the list first."""
    assert run([*arguments, "--help"]) == 0

    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert listed
    assert "..." not in listed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], 2),
        (["up", "--nonsense"], 2),
        (["up", "--name", "Not A Name"], 2),
        (["status"], 5),
        (["sql", "select 1"], 5),
        (["sql", " "], 2),
        (["sql", "--jsno", "select 1"], 2),
        (["sql", "--nmae=of a sandbox", "select 1"], 2),
        (["logs", "nobody"], 3),
        (["run"], 2),
        (["run", "a_dag", "--conf", "{"], 2),
        (["run", "a_dag", "--logical-date", "yesterday"], 2),
        (["run", "a_dag", "--logical-date", "2999-01-01"], 2),
        (["run", "a_dag", "--logical-date", "2024-05-01"], 5),
        (["down"], 0),
        (["config"], 0),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    """Usage and configuration end with 2, nothing selected with 3, a sandbox that is down with 5."""
    assert run(arguments) == code


def test_a_foreseen_error_has_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """What, why, next: and nothing else."""
    run(["status"])

    err = capsys.readouterr().err
    assert err.startswith("error: sandbox default is not up\n")
    assert "sandbox up" in err.splitlines()[-1]
    assert "Traceback" not in err


def test_an_unforeseen_error_leaves_a_report(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Our bugs end with 70 and a file with the versions and the traceback."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(group, "main", broken)

    assert run(["status"]) == 70
    report = next((project / ".sandbox").glob("crash-*.log"))
    assert "ZeroDivisionError: a bug" in report.read_text()
    assert str(report.name) in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_printed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug of ours on a machine that takes no file is not lost either."""
    (project / ".sandbox").write_text("a file where the folder should be")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(group, "main", broken)

    assert run(["status"]) == 70
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "complaint"), [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "may not be written")]
)
def test_a_refusal_of_the_file_system_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, complaint: str
) -> None:
    """A full disk and a folder of somebody else end with 4 and name the place, whoever ran into them."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/some/folder/file")

    monkeypatch.setattr(group, "main", refused)

    assert run(["status"]) == 4
    err = capsys.readouterr().err
    assert complaint in err
    assert "/some/folder" in err


@pytest.mark.parametrize(
    ("raised", "code"), [(KeyboardInterrupt(), 130), (click.Abort(), 130), (ServiceNotHealthy("x"), 5)]
)
def test_how_exceptions_end(monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int) -> None:
    """Ctrl-C is 130, a class of error its own code."""

    def raising(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(group, "main", raising)

    assert run(["status"]) == code
