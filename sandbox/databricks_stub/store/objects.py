"""Workspace objects: folders, and the notebooks and files that clients import."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandbox.databricks_stub.clock import Clock, Ids
from sandbox.databricks_stub.errors import already_exists, invalid_parameter, not_found
from sandbox.databricks_stub.store.database import Database

SUFFIXES = {"PYTHON": ".py", "SQL": ".sql", "SCALA": ".scala", "R": ".r"}
"""Of notebooks in source format, by their language."""
ROOT_FOLDERS = ("/", "/Shared", "/Users", "/Repos")


@dataclass(frozen=True, kw_only=True)
class WorkspaceObject:
    """A folder, a notebook or a file of the workspace."""

    path: str
    object_id: int
    object_type: str
    language: str | None
    format: str | None
    created_time: int
    modified_time: int

    @property
    def suffix(self) -> str:
        """What the name of its file ends in when it is written to a disk."""
        if self.object_type == "FILE":
            return PurePosixPath(self.path).suffix
        return ".ipynb" if self.format == "JUPYTER" else SUFFIXES.get(self.language or "", "")


def normalised(path: str) -> str:
    """The one spelling of a workspace path: absolute, without the prefix /Workspace, without `.` and `..`."""
    if not path.startswith("/"):
        raise invalid_parameter(f"Path ({path}) doesn't start with '/'")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    if parts[:1] == ["Workspace"]:
        del parts[0]
    return "/" + "/".join(parts)


class ObjectStore:
    """The workspace's tree, durable."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    def find(self, path: str) -> WorkspaceObject | None:
        """The object at a path; the root folders always exist."""
        path = normalised(path)
        row = self._database.row("select * from objects where path=?", (path,))
        if row is not None:
            return _object(row)
        if path in ROOT_FOLDERS:
            return WorkspaceObject(
                path=path,
                object_id=0,
                object_type="DIRECTORY",
                language=None,
                format=None,
                created_time=0,
                modified_time=0,
            )
        return None

    def of_id(self, object_id: int) -> WorkspaceObject | None:
        """The object of that id."""
        row = self._database.row("select * from objects where object_id=?", (object_id,))
        return None if row is None else _object(row)

    def of_type(self, object_type: str) -> list[WorkspaceObject]:
        """All objects of a type, by path."""
        rows = self._database.rows("select * from objects where object_type=? order by path", (object_type,))
        return [_object(row) for row in rows]

    def content(self, path: str) -> bytes:
        """What was imported at a path."""
        row = self._database.row("select content from objects where path=?", (normalised(path),))
        if row is None or row["content"] is None:
            raise not_found(f"Path ({path}) doesn't exist.")
        return bytes(row["content"])

    def mkdirs(self, path: str) -> None:
        """Make a folder and those above it."""
        path = normalised(path)
        with self._database.transaction():
            parts = path.strip("/").split("/") if path != "/" else []
            for count in range(1, len(parts) + 1):
                folder = "/" + "/".join(parts[:count])
                found = self.find(folder)
                if found is None:
                    self._write(folder, "DIRECTORY", None, None, None)
                elif found.object_type != "DIRECTORY":
                    raise already_exists(f"Path ({folder}) is a {found.object_type}, not a folder.")

    def put(
        self,
        path: str,
        object_type: str,
        content: bytes,
        *,
        language: str | None,
        source_format: str | None,
        overwrite: bool,
    ) -> WorkspaceObject:
        """Keep a notebook or a file; its folder is made."""
        path = normalised(path)
        with self._database.transaction():
            found = self.find(path)
            if found is not None and (not overwrite or found.object_type == "DIRECTORY"):
                raise already_exists(f"Path ({path}) already exists.")
            self.mkdirs(path.rpartition("/")[0] or "/")
            self._write(path, object_type, language, source_format, content)
        written = self.find(path)
        assert written is not None
        return written

    def _write(
        self, path: str, object_type: str, language: str | None, source_format: str | None, content: bytes | None
    ) -> None:
        now = self._clock.now_ms()
        self._database.execute(
            "insert into objects "
            "(path, object_id, object_type, language, format, content, created_time, modified_time) "
            "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (path) do update set object_type=excluded.object_type, "
            "language=excluded.language, format=excluded.format, content=excluded.content, "
            "modified_time=excluded.modified_time",
            (path, self._ids.number(), object_type, language, source_format, content, now, now),
        )

    def children(self, path: str) -> list[WorkspaceObject]:
        """What lies directly in a folder, by name; a notebook or file lists itself, as on Databricks."""
        found = self.find(path)
        if found is None:
            raise not_found(f"Path ({path}) doesn't exist.")
        if found.object_type != "DIRECTORY":
            return [found]
        prefix = found.path.rstrip("/") + "/"
        rows = self._database.rows(
            "select * from objects where substr(path, 1, ?)=? and instr(substr(path, ?), '/')=0 order by path",
            (len(prefix), prefix, len(prefix) + 1),
        )
        return [_object(row) for row in rows]

    def delete(self, path: str, *, recursive: bool) -> None:
        """Remove an object; a folder that holds something only with `recursive`."""
        found = self.find(path)
        if found is None:
            raise not_found(f"Path ({path}) doesn't exist.")
        if found.object_type == "DIRECTORY" and not recursive and self.children(path):
            raise invalid_parameter(f"Folder ({found.path}) is not empty")
        prefix = found.path.rstrip("/") + "/"
        self._database.execute(
            "delete from objects where path=? or substr(path, 1, ?)=?", (found.path, len(prefix), prefix)
        )


def _object(row: sqlite3.Row) -> WorkspaceObject:
    return WorkspaceObject(
        path=row["path"],
        object_id=row["object_id"],
        object_type=row["object_type"],
        language=row["language"],
        format=row["format"],
        created_time=row["created_time"],
        modified_time=row["modified_time"],
    )
