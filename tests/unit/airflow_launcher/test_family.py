"""The launcher's children are restarted with backoff, told of, and stopped."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import health
from sandbox.airflow_launcher.family import ENDS_BEFORE_GIVING_UP, STABLE_AFTER_SECONDS, Family, backoff_seconds

PATIENCE_SECONDS = 20.0
SLEEPER = "import signal; signal.pause()"


def start_sleeper(_name: str) -> int:
    return os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", SLEEPER])


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    family = Family(("one", "two"), start=start_sleeper, log=tmp_path.joinpath, state_file=tmp_path / "components.json")
    yield family
    family.stop()


def until(true: Callable[[], bool]) -> None:
    health.wait_until(lambda: "" if true() else "not yet", timeout_seconds=PATIENCE_SECONDS)


def test_a_killed_member_is_started_again(family: Family, tmp_path: Path) -> None:
    """After kill -9 the state file says so, and a new process takes the place."""
    family.start("one")
    first = family.members["one"].pid
    assert first is not None

    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        family.reap()
        family.start_due()
        return family.members["one"].pid not in (None, first)

    until(again)
    rows = {row["name"]: row for row in json.loads((tmp_path / "components.json").read_text())["components"]}
    assert rows["one"]["restarts"] == 1
    assert rows["one"]["last_exit"] == "killed by SIGKILL"
    assert rows["two"]["running"] is False


def look_after(family: Family) -> None:
    family.reap()
    family.start_due()


def crash(family: Family, name: str) -> None:
    """Kill a member at once after its start, and see that this is noticed; its next start is due now."""
    look_after(family)
    os.kill(family.members[name].pid or 0, signal.SIGKILL)
    restarts = family.members[name].restarts

    def noticed() -> bool:
        family.reap()
        return family.members[name].restarts > restarts

    until(noticed)
    family.members[name].due = 0.0


def test_a_member_that_never_starts_ends_the_family(
    family: Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After its fourth end in a row the launcher is to end, with the last lines of that member's log; not before."""
    (tmp_path / "one").write_text("early\n" * 50 + "no module named auth\n")
    family.start("one")
    family.start("two")

    for _ in range(ENDS_BEFORE_GIVING_UP - 1):
        crash(family, "one")
        assert not family.gives_up()
    crash(family, "one")

    assert family.gives_up()
    said = capsys.readouterr().err
    assert "one cannot start; the end of one:" in said
    assert said.rstrip().endswith("no module named auth")


def test_a_member_that_was_stable_is_never_given_up(family: Family) -> None:
    """What has lived for a minute can start: whatever ends it now may be mended while the others run."""
    family.start("one")
    family.members["one"].started -= STABLE_AFTER_SECONDS + 1

    for _ in range(ENDS_BEFORE_GIVING_UP + 1):
        crash(family, "one")

    assert not family.gives_up()


def test_stop_ends_every_member(family: Family) -> None:
    """After `stop` nothing runs."""
    family.start("one")
    family.start("two")
    pids = [member.pid for member in family.members.values()]

    family.stop()

    assert all(member.pid is None for member in family.members.values())
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid or 0, 0)


def test_members_are_no_orphans(family: Family) -> None:
    """The sweep for orphans leaves the members alone, idle as they are."""
    family.start("one")

    family.end_idle_orphans()
    family.reap()

    assert family.members["one"].pid is not None


def test_backoff_doubles_up_to_thirty_seconds() -> None:
    """The pauses are 0.5, 1, 2 … and never more than 30 seconds."""
    assert [backoff_seconds(failures) for failures in (1, 2, 3, 50)] == [0.5, 1.0, 2.0, 30.0]
