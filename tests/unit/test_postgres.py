"""PostgreSQL is started without a port, and never as root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sandbox import postgres


def test_no_tcp_and_a_quoted_socket_folder() -> None:
    """The server has no port; a folder with spaces and commas is one folder."""
    argv = postgres.server_argv(Path("/pg/bin"), Path("/data"), Path("/run/a, b"))

    assert "listen_addresses=" in argv
    assert 'unix_socket_directories="/run/a, b"' in argv


def test_root_becomes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root the command runs as an unprivileged user; as anybody else it is as it was."""
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert postgres.unprivileged(["initdb"]) == ["initdb"]

    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/setpriv")
    argv = postgres.unprivileged(["initdb"])

    assert argv[0] == "/usr/bin/setpriv"
    assert argv[-1] == "initdb"
    assert any(part.startswith("--reuid=") for part in argv)


def test_a_copied_cluster_appears_whole(tmp_path: Path) -> None:
    """What a killed copy left is replaced, and the copy is private."""
    template, data = tmp_path / "template", tmp_path / "state" / "data"
    template.mkdir()
    (template / "PG_VERSION").write_text("16")
    (tmp_path / "state" / "data.unfinished").mkdir(parents=True)

    postgres.copy_cluster(template, data)

    assert (data / "PG_VERSION").read_text() == "16"
    assert data.stat().st_mode & 0o777 == 0o700
    assert not (tmp_path / "state" / "data.unfinished").exists()


def test_addresses_name_the_socket() -> None:
    """Both drivers get the folder of the socket as their host."""
    sync_url, async_url = postgres.sqlalchemy_urls(Path("/run/x"))

    assert sync_url == "postgresql+psycopg2://airflow@/airflow?host=/run/x"
    assert async_url == "postgresql+asyncpg://airflow@/airflow?host=/run/x"
