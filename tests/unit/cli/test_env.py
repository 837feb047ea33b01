"""`sandbox env`: what it prints for a shell, and for a program."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from sandbox.cli.main import run
from sandbox.cli.session import Session


@pytest.fixture(autouse=True)
def _up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox that is up, as far as its login is concerned."""
    context = SimpleNamespace(credentials=SimpleNamespace(airflow_password="secret"))
    monkeypatch.setattr(Session, "backend", SimpleNamespace(context=lambda paths: context))


def test_the_password_is_one_line_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else is printed."""
    assert run(["env", "--password"]) == 0
    assert capsys.readouterr().out == "secret\n"

    assert run(["env", "--password", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"password": "secret"}
