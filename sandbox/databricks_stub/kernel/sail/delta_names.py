"""What `delta.tables` asks of a Sail session: which names and paths are Delta tables."""

from __future__ import annotations

from sandbox.databricks_stub.kernel.sail.state import SessionState


class DeltaNames:
    """The names of one session."""

    def __init__(self, state: SessionState) -> None:
        self._state = state

    def has_table(self, name: str) -> bool:
        """Whether a name is that of a Delta table."""
        self._state.mirror.sync()
        target = self._state.qualify(name)
        entry = self._state.mirror.entry(target) if target else None
        return entry is not None and not entry.is_view and " USING delta " in entry.statement

    def address(self, path: str) -> str:
        """A path as the engine must be given it."""
        return self._state.volumes.resolve(path)
