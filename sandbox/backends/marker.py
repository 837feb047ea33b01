"""Which backend a sandbox runs on: recorded by `up`, so that every other command finds it without configuration."""

from __future__ import annotations

from sandbox.paths import StatePaths, make_private, write_private

DEFAULT = "process"


def read(paths: StatePaths) -> str:
    """The name of the backend; "process" where nothing was recorded."""
    file = paths.root / "backend"
    return file.read_text().strip() if file.exists() else DEFAULT


def write(paths: StatePaths, backend: str) -> None:
    """Record it."""
    make_private(paths.root)
    write_private(paths.root / "backend", backend + "\n")
