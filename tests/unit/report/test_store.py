"""Where reports lie, which is the newest, and what is no report."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError, NothingSelected
from sandbox.report import store
from sandbox.report.model import Report


def written(project: Path, report: Report, number: int) -> Path:
    folder = store.new_folder(project)
    file = store.write(
        report.model_copy(update={"id": folder.name, "created": f"2026-01-01T00:00:{number:02}+00:00"}), folder
    )
    os.utime(file, (number, number))
    return folder


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """And Git is kept away from them."""
    folders = {store.new_folder(tmp_path) for _ in range(3)}

    assert len(folders) == 3
    assert (tmp_path / ".sandbox" / ".gitignore").read_text() == "*\n"


def test_the_newest_and_the_earlier_ones(tmp_path: Path, report: Report) -> None:
    """By when they were written; a folder without a report does not count."""
    folders = [written(tmp_path, report, number) for number in range(3)]
    store.new_folder(tmp_path)

    newest = store.read(store.latest(tmp_path))

    assert store.latest(tmp_path) == folders[-1]
    assert [found.id for found in store.earlier(tmp_path, newest)] == [folders[1].name, folders[0].name]


def test_old_runs_go(tmp_path: Path, report: Report) -> None:
    """All but the newest."""
    folders = [written(tmp_path, report, number) for number in range(4)]

    store.prune(tmp_path, kept=2)

    assert [folder.exists() for folder in folders] == [False, False, True, True]


def test_there_is_none_yet(tmp_path: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(NothingSelected, match="there is no report yet"):
        store.latest(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no report"),
        ("[]", "is no report"),
        ('{"schema": 9}', "another form"),
        ('{"schema": 2}', "is no report"),
        ("\xff", "is no report"),
    ],
)
def test_what_is_no_report(tmp_path: Path, text: str, said: str) -> None:
    """Is refused with the reason."""
    (tmp_path / "report.json").write_text(text, encoding="latin-1")

    with pytest.raises(ConfigurationError, match=said):
        store.read(tmp_path)


def test_a_time_without_a_zone(tmp_path: Path, report: Report) -> None:
    """Cannot be compared with now."""
    store.write(report.model_copy(update={"created": "2026-01-01T00:00:00"}), tmp_path)

    with pytest.raises(ConfigurationError, match="is no report") as refused:
        store.read(tmp_path)
    assert "says no time zone" in refused.value.why


def test_what_killed_runs_left_goes_with_the_old_runs(tmp_path: Path, report: Report) -> None:
    """A folder without a report is a run that is at work, unless newer runs than that are old already."""
    parent = store.runs_folder(tmp_path)
    killed, at_work = parent / "20250101-000000", parent / "29990101-000000"
    killed.mkdir(parents=True)
    at_work.mkdir()
    for number in range(3):
        written(tmp_path, report, number)

    store.prune(tmp_path, kept=2)

    assert (killed.exists(), at_work.exists()) == (False, True)
