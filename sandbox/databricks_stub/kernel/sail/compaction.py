"""OPTIMIZE: puts a table's small files together, one commit that changes no data.

ZORDER BY sorts by the columns instead of interleaving them: the same purpose (files with narrow ranges), simpler.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.sail.delta_log import Action, add_commit, file_path, read_state, removal
from sandbox.databricks_stub.kernel.sail.selective import partition_is

Part = tuple[tuple[str, str | None], ...]
"""The values of a partition by column, as the log has them."""


def optimize(data: Any, folder: Path, *, sort_by: Sequence[str]) -> dict[str, int]:
    """Compact the table in `folder`, whose rows `data` reads; returns how many files were added and removed.

    A partition that has one file already is left alone, unless it is to be sorted. Raises RuntimeError, and commits
    nothing, when the new files of a partition have not as many rows as its old ones.
    """
    state = read_state(folder)
    kinds = {item["name"]: item["type"] for item in state.schema["fields"]}
    parts: dict[Part, list[Action]] = {}
    for add in state.files.values():
        parts.setdefault(_part(add), []).append(add)
    actions: list[Action] = []
    removed: list[Action] = []
    moves: list[tuple[Path, Path]] = []
    drafts = folder.parent.parent / f".optimize-{uuid.uuid4().hex}"
    try:
        for number, (part, adds) in enumerate(sorted(parts.items(), key=str)):
            if len(adds) > 1 or sort_by:
                draft = drafts / str(number)
                written = _write(_rows(data, part, kinds), sort_by, draft)
                _check_rows(folder, part, adds, draft, written)
                # the new files lie beside those that they replace, in the folder of the partition
                above = str(adds[0]["path"]).rpartition("/")[0]
                for item in written:
                    path = f"{above}/{item['path']}" if above else str(item["path"])
                    moves.append((file_path(draft, item["path"]), file_path(folder, path)))
                    values = adds[0].get("partitionValues", {})
                    actions.append({"add": item | {"path": path, "dataChange": False, "partitionValues": values}})
                removed += adds
        added = len(actions)
        if removed:
            for source, target in moves:
                source.rename(target)
            actions += [removal(item, data_change=False) for item in removed]
            parameters = {"predicate": "[]", "zOrderBy": f"[{', '.join(sort_by)}]"}
            add_commit(folder, state.version + 1, "OPTIMIZE", parameters, actions)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)
    return {"numFilesAdded": added, "numFilesRemoved": len(removed)}


def _part(add: Action) -> Part:
    # Documented: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization ("" is NULL)
    return tuple((name, value or None) for name, value in sorted(add.get("partitionValues", {}).items()))


def _rows(data: Any, part: Part, kinds: dict[str, Any]) -> Any:
    for name, value in part:
        data = data.where(partition_is(name, value, kinds[name]))
    return data.drop(*(name for name, _ in part))


def _write(data: Any, sort_by: Sequence[str], draft: Path) -> list[Action]:
    """Write rows as a Delta table of its own; returns the add actions of its files."""
    ordered = data.orderBy(*sort_by) if sort_by else data
    # not as plain Parquet: of that, Sail always makes several files
    ordered.coalesce(1).write.format("delta").mode("overwrite").save(str(draft))
    return list(read_state(draft).files.values())


def _check_rows(folder: Path, part: Part, adds: Iterable[Action], draft: Path, written: Iterable[Action]) -> None:
    old, new = _count(folder, adds), _count(draft, written)
    if old != new:
        where = ", ".join(f"{name}={value}" for name, value in part) or "the table"
        raise RuntimeError(
            f"OPTIMIZE of {folder.name}: {where} has {old} rows, its new files would have {new}; nothing was changed"
        )


def _count(folder: Path, adds: Iterable[Action]) -> int:
    """The rows of files, as their footers have them: the log may be without statistics."""
    from pyarrow import parquet

    return sum(parquet.read_metadata(file_path(folder, str(item["path"]))).num_rows for item in adds)
