"""The warehouse folder: what tables and views there are. The only truth; Sail's catalog lives as long as a session.

A managed table is a folder `<warehouse>/<schema>/<table>` with a `_delta_log` in it. What a folder cannot tell (views,
and tables that lie elsewhere) is kept in one small JSON file, replaced atomically under a lock. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.databricks_stub.kernel.sql_text.quoting import sql_string

REGISTRY = ".registry.json"
LOCK = ".registry.lock"
ENGINE = ".engine"
SAFE_PATH = re.compile(r"[A-Za-z0-9._/-]+")

Name = tuple[str, str]
"""(schema, table or view)"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A table or a view, as a session registers it; equal entries need no new registration."""

    statement: str
    """SQL with `{name}` where the quoted three-level name belongs."""
    is_view: bool = False
    is_managed: bool = False
    location: str = ""
    """Of an external table: a path or an address."""
    current_schema: str = ""
    """For views: what unqualified names in it are looked up in."""
    state: str = ""
    """Changes with each commit: Sail keeps the columns from when a table was registered."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What the warehouse holds at one moment."""

    schemas: tuple[str, ...]
    entries: dict[Name, Entry] = field(default_factory=dict)


def is_delta(folder: Path) -> bool:
    """Whether a folder is a Delta table."""
    return (folder / "_delta_log").is_dir()


def log_state(folder: Path) -> str:
    """A text that changes with each commit to a Delta table, and when it is made anew; "" if there is none."""
    log = folder / "_delta_log"
    try:
        names = [name for name in os.listdir(log) if name.endswith(".json") and name[:20].isdigit()]
        return f"{log.stat().st_ino}:{max(names)}" if names else ""
    except (FileNotFoundError, NotADirectoryError):
        return ""


def safe_path(folder: Path) -> Path:
    """The folder under a name that every engine can handle.

    Measured 2026-11, pysail 0.7.2: a space in a location is encoded once when a table is created and twice when it is
    written again, so that nothing finds anything. Such folders are reached through a link in the temporary folder.
    """
    folder = folder.resolve()
    if SAFE_PATH.fullmatch(str(folder)):
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    link = Path(tempfile.gettempdir()) / f"sandbox-warehouse-{os.getuid()}-{digest}"
    with contextlib.suppress(FileExistsError):
        link.symlink_to(folder, target_is_directory=True)
    if not link.is_symlink() or link.lstat().st_uid != os.getuid() or link.resolve() != folder:
        raise RuntimeError(f"{link} is in the way: it should be a link to {folder}\nnext: rm {link}")
    return link


class Warehouse:
    """The tables and views of one sandbox; several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = safe_path(root)

    def schema_location(self, schema: str) -> Path:
        """Where the managed tables of a schema lie."""
        return self.root / schema

    def snapshot(self) -> Snapshot:
        """Read the folders and the registry."""
        entries: dict[Name, Entry] = {}
        schemas = []
        for schema in sorted(os.scandir(self.root), key=lambda item: item.name):
            if schema.name.startswith(".") or not schema.is_dir():
                continue
            try:
                tables = list(os.scandir(schema.path))
            except FileNotFoundError:
                # somebody else has removed the schema since it was seen
                continue
            schemas.append(schema.name)
            for table in tables:
                state = "" if table.name.startswith((".", "_")) else log_state(Path(table.path))
                if state:
                    entries[schema.name, table.name] = Entry(
                        statement=f"CREATE TABLE {{name}} USING delta LOCATION {sql_string(table.path)}",
                        is_managed=True,
                        state=state,
                    )
        for name, item in sorted(self._read().items()):
            schema_name, _, table_name = name.partition(".")
            if schema_name in schemas and (schema_name, table_name) not in entries:
                entries[schema_name, table_name] = _entry(item)
        return Snapshot(schemas=tuple(schemas), entries=entries)

    def announce_engine(self) -> None:
        """Tell that a new engine serves this warehouse; sessions of an earlier one are lost."""
        (self.root / ENGINE).write_text(uuid.uuid4().hex, encoding="utf-8")

    def engine(self) -> str:
        """What tells one engine from the next."""
        with contextlib.suppress(FileNotFoundError):
            return (self.root / ENGINE).read_text(encoding="utf-8")
        return ""

    def add_table(self, name: Name, statement: str, *, location: str) -> None:
        """Remember a table that lies outside of the warehouse."""
        self._change(lambda found: found.update({".".join(name): {"statement": statement, "location": location}}))

    def add_view(self, name: Name, statement: str, *, current_schema: str) -> None:
        """Remember a view."""
        item = {"statement": statement, "view": True, "schema": current_schema}
        self._change(lambda found: found.update({".".join(name): item}))

    def forget(self, name: Name) -> None:
        """Forget a view or an external table, if it is known."""
        if ".".join(name) in self._read():
            self._change(lambda found: found.pop(".".join(name), None))

    def remove_table(self, name: Name) -> None:
        """Remove a table: a managed one with its data, an external one from the registry only."""
        self.forget(name)
        self._remove(self.root / name[0] / name[1])

    def rename_table(self, old: Name, new: Name) -> None:
        """Rename a managed table."""
        (self.root / old[0] / old[1]).rename(self.root / new[0] / new[1])

    def make_schema(self, schema: str) -> None:
        """Make the folder of a schema."""
        (self.root / schema).mkdir(exist_ok=True)

    def remove_schema(self, schema: str) -> None:
        """Remove a schema with all that is in it."""

        def without(found: dict[str, dict[str, object]]) -> None:
            for name in [name for name in found if name.startswith(f"{schema}.")]:
                del found[name]

        self._change(without)
        self._remove(self.root / schema)

    def _remove(self, folder: Path) -> None:
        # renamed first: nobody may see half of a table
        grave = self.root / f".removed-{uuid.uuid4().hex}"
        with contextlib.suppress(FileNotFoundError):
            folder.rename(grave)
            shutil.rmtree(grave)

    def _read(self) -> dict[str, dict[str, object]]:
        try:
            found: dict[str, dict[str, object]] = json.loads((self.root / REGISTRY).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _change(self, change: Callable[[dict[str, dict[str, object]]], object]) -> None:
        with self._locked():
            found = self._read()
            change(found)
            new = self.root / f"{REGISTRY}.{uuid.uuid4().hex}"
            new.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
            new.replace(self.root / REGISTRY)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.root / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _entry(item: dict[str, object]) -> Entry:
    location = str(item.get("location", "")).removeprefix("file://")
    return Entry(
        statement=str(item["statement"]),
        is_view=bool(item.get("view")),
        current_schema=str(item.get("schema", "")),
        location=location,
        state=log_state(Path(location)) if location.startswith("/") else "",
    )
