"""launcher.json comes back as it was written."""

from __future__ import annotations

from pathlib import Path

from sandbox.airflow_launcher.config import LauncherConfig


def test_round_trip(tmp_path: Path) -> None:
    """What `text` writes, `read` reads."""
    config = LauncherConfig(
        logs=tmp_path / "logs", state_file=tmp_path / "a b.json", validate_socket=Path("/tmp/validate.sock")
    )
    (tmp_path / "launcher.json").write_text(config.text())

    assert LauncherConfig.read(tmp_path / "launcher.json") == config
