"""Remove folders of the cache, only ours, so that an interrupted removal leaves nothing that looks whole."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from sandbox.runtimes.guard import held_if_free
from sandbox.runtimes.store import BUILDING_PREFIX, SENTINEL, UNFINISHED_SENTINEL, read_sentinel


def lock_path(folder: Path, stem: str) -> Path:
    """The lock that the builder of this runtime holds."""
    return folder / ".locks" / f"{stem}.lock"


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove what interrupted builds left, of any runtime, unless somebody is still at it."""
    removed: list[Path] = []
    for path in sorted(folder.glob(f"{BUILDING_PREFIX}*")):
        stem = path.name.removeprefix(BUILDING_PREFIX).rsplit("-", 1)[0]
        with held_if_free(lock_path(folder, stem)) as free:
            if free and discard(path):
                removed.append(path)
    return removed


def discard(path: Path) -> bool:
    """Remove a folder that is ours or empty; False for any other, which stays."""
    if path.is_symlink() or not path.is_dir():
        return False
    if read_sentinel(path) is None and any(entry.name != UNFINISHED_SENTINEL for entry in path.iterdir()):
        return False
    # renamed first: a removal that is interrupted must not leave half a runtime under the name of a whole one
    doomed = path
    if not path.name.startswith(BUILDING_PREFIX):
        doomed = path.rename(path.with_name(f"{BUILDING_PREFIX}{path.name}-{secrets.token_hex(4)}"))
    remove(doomed)
    return True


def remove(folder: Path) -> None:
    """Remove one of our folders; its sentinel goes last, so that what an interruption leaves is still known as ours."""
    for entry in list(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != SENTINEL:
            entry.unlink()
    (folder / SENTINEL).unlink(missing_ok=True)
    folder.rmdir()
