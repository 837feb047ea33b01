"""What Delta does with a table's log and files, done here because Sail cannot: history, detail, vacuum, restore.

Standard library only. Documented: https://docs.databricks.com/delta/history and …/sql/language-manual/delta-vacuum
"""

from __future__ import annotations

import datetime
import json
import os
import time
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.sail.delta_log import (
    Action,
    add_commit,
    commit_file,
    file_path,
    read_commit,
    read_state,
    removal,
    versions,
)

DEFAULT_RETENTION_HOURS = 168.0

HISTORY_SCHEMA = (
    "version BIGINT, timestamp TIMESTAMP, userId STRING, userName STRING, operation STRING, "
    "operationParameters MAP<STRING, STRING>, job STRUCT<jobId: STRING>, notebook STRUCT<notebookId: STRING>, "
    "clusterId STRING, readVersion BIGINT, isolationLevel STRING, isBlindAppend BOOLEAN, "
    "operationMetrics MAP<STRING, STRING>, userMetadata STRING, engineInfo STRING"
)
DETAIL_SCHEMA = (
    "format STRING, id STRING, name STRING, description STRING, location STRING, createdAt TIMESTAMP, "
    "lastModified TIMESTAMP, partitionColumns ARRAY<STRING>, numFiles BIGINT, sizeInBytes BIGINT, "
    "properties MAP<STRING, STRING>, minReaderVersion INT, minWriterVersion INT"
)


def history(folder: Path) -> list[tuple[Any, ...]]:
    """The commits, newest first, in the columns of HISTORY_SCHEMA."""
    found = []
    for version in reversed(versions(folder)):
        actions = read_commit(folder, version)
        information: Action = next((item["commitInfo"] for item in actions if "commitInfo" in item), {})
        # Documented: https://docs.databricks.com/delta/history - a version's time is its file's, in the history as in
        # TIMESTAMP AS OF, unless the table keeps it in the commit; commitInfo.timestamp is what the writer's clock said
        moment = information.get("inCommitTimestamp")
        if moment is None:
            moment = commit_file(folder, version).stat().st_mtime_ns // 1_000_000
        found.append(
            (
                version,
                _moment(moment),
                None,
                None,
                information.get("operation"),
                _texts(information.get("operationParameters")),
                None,
                None,
                None,
                information.get("readVersion", version - 1 if version else None),
                information.get("isolationLevel", "WriteSerializable"),
                information.get("isBlindAppend"),
                _texts(information.get("operationMetrics")),
                information.get("userMetadata"),
                information.get("engineInfo"),
            )
        )
    return found


def detail(folder: Path, *, name: str) -> tuple[Any, ...]:
    """One row in the columns of DETAIL_SCHEMA."""
    state = read_state(folder)
    return (
        "delta",
        state.metadata.get("id"),
        name,
        state.metadata.get("description"),
        str(folder),
        _moment(state.metadata["createdTime"]) if state.metadata.get("createdTime") else None,
        _moment(commit_file(folder, state.version).stat().st_mtime * 1000),
        state.partition_columns,
        len(state.files),
        sum(int(item.get("size", 0)) for item in state.files.values()),
        _texts(state.metadata.get("configuration")),
        int(state.protocol.get("minReaderVersion", 1)),
        int(state.protocol.get("minWriterVersion", 2)),
    )


def vacuum(folder: Path, *, retention_hours: float, dry_run: bool) -> list[str]:
    """Remove the files that the table has not used for longer than the retention; returns them."""
    state = read_state(folder)
    oldest_kept = time.time() - retention_hours * 3600
    kept = {file_path(folder, path) for path in state.files}
    for version in versions(folder):
        for action in read_commit(folder, version):
            gone = action.get("remove")
            if gone and gone.get("deletionTimestamp", 0) / 1000 > oldest_kept:
                kept.add(file_path(folder, gone["path"]))
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        for name in sorted(names):
            file = Path(parent) / name
            if not name.startswith(("_", ".")) and file not in kept and file.stat().st_mtime < oldest_kept:
                found.append(str(file))
    if not dry_run:
        for path in found:
            Path(path).unlink(missing_ok=True)
    return found


def version_at(folder: Path, moment: datetime.datetime) -> int:
    """The version to restore that was the newest at a moment; as on Databricks, not one before or after all of them."""
    commits = history(folder)
    if moment > commits[0][1]:
        raise LookupError(
            f"[DELTA_CANNOT_RESTORE_TIMESTAMP_GREATER] {moment} is after the newest version of {folder.name}, "
            f"which is of {commits[0][1]}"
        )
    before = [version for version, written, *_ in commits if written <= moment]
    if not before:
        raise LookupError(
            f"[DELTA_CANNOT_RESTORE_TIMESTAMP_EARLIER] {moment} is before the oldest version of {folder.name}, "
            f"which is of {commits[-1][1]}"
        )
    return int(before[0])


def restore(folder: Path, version: int) -> dict[str, int]:
    """Make the table what it was at a version, by one more commit; returns the metrics."""
    now, then = read_state(folder), read_state(folder, version)
    removed = [item for path, item in now.files.items() if path not in then.files]
    added = [item for path, item in then.files.items() if path not in now.files]
    missing = [item["path"] for item in added if not file_path(folder, item["path"]).is_file()]
    if missing:
        raise FileNotFoundError(
            f"version {version} of {folder.name} needs files that VACUUM has removed: {missing[0]} …"
        )
    actions: list[Action] = [{"metaData": then.metadata}] if then.metadata != now.metadata else []
    actions += [{"add": item | {"dataChange": True}} for item in added]
    actions += [removal(item, data_change=True) for item in removed]
    add_commit(folder, now.version + 1, "RESTORE", {"version": str(version), "timestamp": None}, actions)
    size = sum(int(item.get("size", 0)) for item in then.files.values())
    return {
        "table_size_after_restore": size,
        "num_of_files_after_restore": len(then.files),
        "num_removed_files": len(removed),
        "num_restored_files": len(added),
        "removed_files_size": sum(int(item.get("size", 0)) for item in removed),
        "restored_files_size": sum(int(item.get("size", 0)) for item in added),
    }


def _moment(milliseconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)


def _texts(found: Action | None) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in sorted((found or {}).items())
        if value is not None
    }
