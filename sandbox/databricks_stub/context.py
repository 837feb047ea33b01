"""Call: one request as a handler sees it, and Services: what a handler may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.databricks_stub.bundle import BundleWatcher
from sandbox.databricks_stub.clock import Clock
from sandbox.databricks_stub.errors import invalid_parameter, malformed
from sandbox.databricks_stub.git_folders import GitFolders
from sandbox.databricks_stub.job_catalog import JobCatalog
from sandbox.databricks_stub.kernel.warehouse import Warehouse
from sandbox.databricks_stub.settings import Settings
from sandbox.databricks_stub.store import FakeWorkspace
from sandbox.databricks_stub.store.statements import Statement


class WakesWorker(Protocol):
    """What of Worker a handler needs: it never runs anything itself."""

    def wake(self) -> None:
        """Look at the store now."""
        ...


class RunsStatements(Protocol):
    """What of StatementRunner a handler needs."""

    def submit(self, statement_id: str) -> None:
        """Begin with a statement of the store."""
        ...

    def wait(self, statement_id: str, seconds: float) -> Statement:
        """The statement once it has ended, or as it is after that time."""
        ...

    def cancel(self, statement_id: str) -> None:
        """Give up on a statement."""
        ...

    def open_session(
        self, session_id: str, *, catalog: str | None, schema: str | None, configuration: Mapping[str, str]
    ) -> None:
        """Begin a session for statements that name it; raises SqlError."""
        ...

    def close_session(self, session_id: str) -> None:
        """End a session."""
        ...


LONG_BITS = 63
"""What a number of the API may have beside its sign."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything behind the handlers of one workspace."""

    settings: Settings
    workspace: FakeWorkspace
    catalog: JobCatalog
    watcher: BundleWatcher
    worker: WakesWorker
    statements: RunsStatements
    warehouse: Warehouse
    git_folders: GitFolders
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: `values` are its query and its JSON body together, the body's winning.

    The async hook of the Airflow provider sends the parameters of a GET as a JSON body, so every method's body is read.
    """

    services: Services
    version: str
    path_values: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def integer(self, name: str) -> int | None:
        """A whole number, None when missing; numbers may come as strings."""
        found = self.values.get(name)
        if found is None or found == "":
            return None
        try:
            number = int(str(found))
        except ValueError:
            raise invalid_parameter(f"{name} must be a whole number, not {found!r}") from None
        if number.bit_length() > LONG_BITS:
            raise invalid_parameter(f"{name} must be a whole number of 64 bits, not {found!r}")
        return number

    def required_integer(self, name: str) -> int:
        """A whole number that must be there."""
        found = self.integer(name)
        if found is None:
            raise invalid_parameter(f"{name} is required")
        return found

    def text(self, name: str, default: str = "") -> str:
        """A text; a missing one is the default."""
        found = self.values.get(name)
        return default if found is None else str(found)

    def required_text(self, name: str) -> str:
        """A text that must be there."""
        found = self.text(name)
        if not found:
            raise invalid_parameter(f"{name} is required")
        return found

    def flag(self, name: str) -> bool:
        """A truth value; queries spell it in words."""
        return self.text(name).lower() in {"true", "1"}

    def mapping(self, name: str) -> dict[str, Any]:
        """An object; a missing one is empty."""
        found = self.values.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise malformed(f"{name} must be an object, not {type(found).__name__}")
        return found

    def list(self, name: str) -> list[Any]:
        """A list; a missing one is empty."""
        found = self.values.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise malformed(f"{name} must be a list, not {type(found).__name__}")
        return found

    def page(self, *, default: int, most: int) -> tuple[int, int]:
        """(offset, limit) of a list: by page_token, or by the offset of older API versions."""
        limit = self.integer("limit")
        limit = default if limit in {None, 0} else min(limit or default, most)
        if limit < 1:
            raise invalid_parameter(f"limit must be at least 1, not {limit}")
        token = self.text("page_token")
        if token:
            if not token.isdecimal():
                raise invalid_parameter(f"page_token {token!r} is not one that this workspace gave")
            return int(token), limit
        return max(0, self.integer("offset") or 0), limit
