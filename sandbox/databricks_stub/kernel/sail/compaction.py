"""OPTIMIZE: puts a table's small files together, one commit that changes no data.

ZORDER BY sorts by the columns instead of interleaving them: the same purpose (files with narrow ranges), simpler.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.sail.delta_log import Action, add_commit, file_path, read_state, removal


def optimize(data: Any, folder: Path, *, sort_by: Sequence[str]) -> dict[str, int]:
    """Compact the table in `folder`, whose rows `data` reads; returns how many files were added and removed.

    A partition that has one file already is left alone, unless it is to be sorted.
    """
    state = read_state(folder)
    parts: dict[tuple[tuple[str, str | None], ...], list[Action]] = {}
    for add in state.files.values():
        parts.setdefault(tuple(sorted(add.get("partitionValues", {}).items())), []).append(add)
    actions: list[Action] = []
    removed: list[Action] = []
    drafts = folder.parent.parent / f".optimize-{uuid.uuid4().hex}"
    try:
        for number, (values, adds) in enumerate(sorted(parts.items(), key=str)):
            if len(adds) > 1 or sort_by:
                # the new files lie beside those that they replace, in the folder of the partition
                above = str(adds[0]["path"]).rpartition("/")[0]
                written = _write(_part(data, dict(values)), sort_by, drafts / str(number), folder, above)
                actions += [{"add": item | {"partitionValues": dict(values)}} for item in written]
                removed += adds
        added = len(actions)
        if actions:
            actions += [removal(item, data_change=False) for item in removed]
            parameters = {"predicate": "[]", "zOrderBy": f"[{', '.join(sort_by)}]"}
            add_commit(folder, state.version + 1, "OPTIMIZE", parameters, actions)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)
    return {"numFilesAdded": added, "numFilesRemoved": len(removed)}


def _part(data: Any, values: dict[str, str | None]) -> Any:
    from pyspark.sql import functions as f

    for name, value in values.items():
        column = f.col(f"`{name}`")
        data = data.where(column.isNull() if value is None else column.cast("string") == f.lit(value))
    return data.drop(*values) if values else data


def _write(data: Any, sort_by: Sequence[str], draft: Path, folder: Path, above: str) -> list[Action]:
    """Write rows as a Delta table of its own, and move its files into the table; returns their add actions."""
    ordered = data.orderBy(*sort_by) if sort_by else data
    # not as plain Parquet: of that, Sail always makes several files
    ordered.coalesce(1).write.format("delta").mode("overwrite").save(str(draft))
    found = []
    for add in read_state(draft).files.values():
        relative = f"{above}/{add['path']}" if above else add["path"]
        file_path(draft, add["path"]).rename(file_path(folder, relative))
        found.append(add | {"path": relative, "dataChange": False})
    return found
