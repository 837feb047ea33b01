"""Delta's transaction log on this machine: reads it, and adds commits. Standard library only.

Documented: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.parse
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Action: TypeAlias = dict[str, Any]

UNREADABLE_FEATURES = frozenset({"deletionVectors", "columnMapping", "v2Checkpoint"})


class ConcurrentChange(RuntimeError):
    """Somebody else has written the version that was to be written."""


@dataclass(frozen=True, kw_only=True)
class DeltaState:
    """A table at one version."""

    version: int
    metadata: Action
    protocol: Action
    files: dict[str, Action]
    """The add actions by path."""

    @property
    def schema(self) -> Action:
        """The schema as Spark's JSON."""
        found: Action = json.loads(self.metadata["schemaString"])
        return found

    @property
    def partition_columns(self) -> list[str]:
        """The columns by which the files are parted."""
        return list(self.metadata.get("partitionColumns", ()))


def log_folder(folder: Path) -> Path:
    """Where the commits lie."""
    return folder / "_delta_log"


def versions(folder: Path) -> list[int]:
    """The versions of which there is a commit, oldest first."""
    names = os.listdir(log_folder(folder))
    return sorted(
        int(name[:-5]) for name in names if len(name) == 25 and name.endswith(".json") and name[:20].isdigit()
    )


def commit_file(folder: Path, version: int) -> Path:
    """The file of a commit."""
    return log_folder(folder) / f"{version:020d}.json"


def read_commit(folder: Path, version: int) -> list[Action]:
    """The actions of a commit."""
    text = commit_file(folder, version).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def read_state(folder: Path, version: int | None = None) -> DeltaState:
    """The table at a version, by default the newest."""
    known = versions(folder)
    wanted = known[-1] if version is None and known else version
    if not known or wanted not in known:
        span = f"{known[0]} to {known[-1]}" if known else "none"
        raise LookupError(f"[DELTA_VERSION_NOT_FOUND] {folder.name} has no version {wanted}; the log has {span}")
    if known[0] != 0:
        raise NotImplementedError(
            f"the log of {folder.name} starts at version {known[0]}; checkpoints are not read here"
        )
    metadata: Action = {}
    protocol: Action = {}
    files: dict[str, Action] = {}
    for number in known[: known.index(wanted) + 1]:
        for action in read_commit(folder, number):
            metadata = action.get("metaData", metadata)
            protocol = action.get("protocol", protocol)
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
            if "add" in action:
                files[action["add"]["path"]] = action["add"]
    unreadable = UNREADABLE_FEATURES & set(protocol.get("readerFeatures", ()))
    if unreadable:
        raise NotImplementedError(f"{folder.name} uses {', '.join(sorted(unreadable))}, which is not read here")
    return DeltaState(version=wanted, metadata=metadata, protocol=protocol, files=files)


def add_commit(folder: Path, version: int, operation: str, parameters: Action, actions: Sequence[Action]) -> None:
    """Write a version that must not exist yet; raises ConcurrentChange when it does."""
    information = {
        "timestamp": int(time.time() * 1000),
        "operation": operation,
        "operationParameters": parameters,
        "readVersion": version - 1,
        "isBlindAppend": False,
        "engineInfo": "local sandbox",
    }
    lines = [json.dumps(action, separators=(",", ":")) for action in ({"commitInfo": information}, *actions)]
    draft = log_folder(folder) / f".{uuid.uuid4().hex}.tmp"
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        os.link(draft, commit_file(folder, version))
    except FileExistsError:
        raise ConcurrentChange(
            f"[DELTA_CONCURRENT_WRITE] {folder.name}: somebody wrote version {version} first"
        ) from None
    finally:
        draft.unlink()


def removal(add: Action, *, data_change: bool) -> Action:
    """The action that takes a file out of the table."""
    return {
        "remove": {
            "path": add["path"],
            "deletionTimestamp": int(time.time() * 1000),
            "dataChange": data_change,
            "extendedFileMetadata": True,
            "partitionValues": add.get("partitionValues", {}),
            "size": add.get("size", 0),
        }
    }


def file_path(folder: Path, path: str) -> Path:
    """Where a file of the log lies."""
    return folder / urllib.parse.unquote(path)


def newest(folder: Path) -> int:
    """The newest version; -1 when there is no table."""
    with contextlib.suppress(FileNotFoundError):
        known = versions(folder)
        return known[-1] if known else -1
    return -1


def allow_nulls(folder: Path, *, since: int, keep_known: bool = False) -> bool:
    """Make the columns that commits after `since` have brought nullable, as Delta on Spark does; whether any was not.

    Sail takes over what it knows of a query: a column that cannot be NULL there may never be NULL in the table, and
    reads as 0 or "" where old files lack it. With `keep_known`, columns that were there before stay as they were.
    """
    changed = False
    for version in versions(folder):
        if version <= since:
            continue
        actions = read_commit(folder, version)
        for action in actions:
            if "metaData" not in action:
                continue
            known = _field_names(folder, since) if keep_known else frozenset()
            schema = json.loads(action["metaData"]["schemaString"])
            wanted = {
                "type": "struct",
                "fields": [item if item["name"] in known else _nullable_field(item) for item in schema["fields"]],
            }
            if wanted != schema:
                action["metaData"]["schemaString"] = json.dumps(wanted, separators=(",", ":"))
                changed = True
        if changed:
            draft = log_folder(folder) / f".{uuid.uuid4().hex}.tmp"
            draft.write_text("".join(json.dumps(item, separators=(",", ":")) + "\n" for item in actions), "utf-8")
            draft.replace(commit_file(folder, version))
            # the checksum file, which is optional, repeats the schema, and Sail believes it
            commit_file(folder, version).with_suffix(".crc").unlink(missing_ok=True)
    return changed


def add_columns(folder: Path, fields: Sequence[Action]) -> None:
    """Commit a schema that has these fields too; raises when the table has one of that name, or a field is NOT NULL."""
    state = read_state(folder)
    known = {item["name"].lower() for item in state.schema["fields"]}
    for item in fields:
        if item["name"].lower() in known:
            raise ValueError(f"[FIELDS_ALREADY_EXISTS] {folder.name} has a column {item['name']} already")
        if not item["nullable"]:
            raise ValueError(
                f"[DELTA_ADD_COLUMN_NOT_NULL] {item['name']}: old rows have no value, so it cannot be NOT NULL"
            )
    schema = state.schema | {"fields": [*state.schema["fields"], *fields]}
    metadata = state.metadata | {"schemaString": json.dumps(schema, separators=(",", ":"))}
    parameters = {"columns": json.dumps([item["name"] for item in fields])}
    add_commit(folder, state.version + 1, "ADD COLUMNS", parameters, [{"metaData": metadata}])


def _field_names(folder: Path, version: int) -> frozenset[str]:
    return (
        frozenset(item["name"] for item in read_state(folder, version).schema["fields"])
        if version >= 0
        else frozenset()
    )


def _nullable_field(item: Action) -> Action:
    return item | {"nullable": True, "type": _nullable(item["type"])}


def _nullable(kind: Any) -> Any:
    if not isinstance(kind, dict):
        return kind
    match kind.get("type"):
        case "struct":
            return kind | {"fields": [_nullable_field(item) for item in kind["fields"]]}
        case "array":
            return kind | {"containsNull": True, "elementType": _nullable(kind["elementType"])}
        case "map":
            return kind | {
                "valueContainsNull": True,
                "keyType": _nullable(kind["keyType"]),
                "valueType": _nullable(kind["valueType"]),
            }
        case _:
            return kind
