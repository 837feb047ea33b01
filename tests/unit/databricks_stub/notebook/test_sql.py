"""The SQL session, seen from the workspace: it stays in touch with the engine, and errors are raised."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.databricks_stub.notebook import SqlError, sql
from sandbox.databricks_stub.notebook.engine_watch import EngineWatch
from sandbox.databricks_stub.notebook.sql import SqlSession
from sandbox.databricks_stub.notebook.zygote import Zygote


class Engine:
    """An engine that counts how often somebody looks whether it still is there."""

    def __init__(self) -> None:
        self.looks = threading.Semaphore(0)

    def has_ended(self) -> bool:
        """It has not."""
        self.looks.release()
        return False

    def close(self) -> None:
        """Nothing to close."""


def test_an_idle_session_looks_at_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which answers the engine's pings: one that nobody answers hangs up after a minute, and sessions are lost."""
    monkeypatch.setattr(sql, "TOUCH_SECONDS", 0.01)
    session = SqlSession(cast("Zygote", None), tmp_path / "sql.sock", "sc://127.0.0.1:1")
    engine = Engine()
    session._engine = cast("EngineWatch", engine)
    thread = threading.Thread(target=session._keep_in_touch)
    thread.start()

    seen = [engine.looks.acquire(timeout=20) for _ in range(2)]
    session.close()
    thread.join(20)

    assert (seen, thread.is_alive()) == ([True, True], False)


def test_an_error_is_raised_in_the_engine_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was asked."""
    with tempfile.TemporaryDirectory(prefix="sq-") as short, socket.socket(socket.AF_UNIX) as listener:
        file = Path(short) / "sql.sock"
        listener.bind(str(file))
        listener.listen()
        session = SqlSession(cast("Zygote", None), file, "none://")
        monkeypatch.setattr(session, "_ensure", Engine)
        asked: list[Any] = []

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as stream:
                asked.append(json.loads(stream.readline()))
                stream.write(b'{"error": "[X] no"}\n')

        thread = threading.Thread(target=answer)
        thread.start()

        with pytest.raises(SqlError, match=r"^\[X\] no$"):
            session.execute({"kind": "close", "session_id": "a"})
        thread.join(20)

    assert asked == [{"kind": "close", "session_id": "a"}]
