"""How uv is run: its environment, its output, its end."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from sandbox.runtimes import uv
from sandbox.runtimes.uv import Cancelled, Outcome, parse_pip_settings, run_uv, uv_environment, without_credentials


@pytest.fixture
def python_as_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs this Python where uv would be run."""
    monkeypatch.setattr(uv, "_machine", lambda: (sys.executable, {}))


def test_pip_settings_reach_uv() -> None:
    """An index that only pip was told of is used by uv too; what uv was told itself wins."""
    settings = parse_pip_settings(
        "global.index-url='https://a/simple'\nglobal.cert='/c.pem'\n:env:.index-url='https://b/simple'\nuser.x='1'"
    )

    assert settings == {"index-url": "https://b/simple", "cert": "/c.pem"}
    assert uv_environment({}, settings)["UV_DEFAULT_INDEX"] == "https://b/simple"
    assert "UV_DEFAULT_INDEX" not in uv_environment({"UV_INDEX_URL": "https://c"}, settings)
    assert "VIRTUAL_ENV" not in uv_environment({"VIRTUAL_ENV": "/v", "PYTHONPATH": "/p"}, {})


def test_credentials_are_not_repeated() -> None:
    """Passwords in URLs don't reach messages."""
    assert without_credentials("GET https://user:secret@host/x failed") == "GET https://host/x failed"


def test_lines_and_return_code(tmp_path: Path, python_as_uv: None) -> None:
    """Both streams arrive line by line, and the last ones are kept."""
    heard: list[str] = []
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"

    outcome = run_uv(["-c", program], folder=tmp_path, on_line=heard.append)

    assert outcome == Outcome(returncode=3, lines=("out", "err"))
    assert heard == ["out", "err"]


def test_cancelled_ends_the_process(tmp_path: Path, python_as_uv: None) -> None:
    """Cancelling ends the command and raises."""
    cancelled = threading.Event()

    def hear(_line: str) -> None:
        cancelled.set()

    with pytest.raises(Cancelled):
        run_uv(
            ["-c", "import time; print('begun', flush=True); time.sleep(60)"],
            folder=tmp_path,
            on_line=hear,
            cancelled=cancelled,
        )


@pytest.mark.parametrize(
    ("line", "full", "gone"),
    [
        ("No space left on device (os error 28)", True, False),
        ("error: Failed to fetch: `https://x`", False, True),
        ("cause: client error (Connect): dns error", False, True),
        ("Because a==1 depends on b, we can conclude", False, False),
    ],
)
def test_reasons(line: str, full: bool, gone: bool) -> None:
    """What uv says is sorted into a full disk and a lost network."""
    outcome = Outcome(returncode=2, lines=(line,))

    assert (outcome.disk_full, outcome.network_gone) == (full, gone)
