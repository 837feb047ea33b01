"""Is there room on the disk: said before a sandbox begins, and instead of what a full disk makes the services say."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from sandbox.errors import PrerequisiteMissing

NEW_SANDBOX_MIB = 256
"""What a new sandbox takes before it has done anything is 55 MiB, most of it the metadata database."""

FULL_MIB = 1
FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


def free_mib(folder: Path) -> int:
    """The room that is left on the disk of `folder`, or of the nearest folder above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 2**20


def require(folder: Path, wanted_mib: int = NEW_SANDBOX_MIB) -> None:
    """Raise PrerequisiteMissing when a new sandbox does not fit."""
    free = free_mib(folder)
    if free < wanted_mib:
        raise PrerequisiteMissing(
            f"not enough disk space for a sandbox: {wanted_mib} MiB needed, {free} MiB free",
            why=f"its state is in {folder}",
            next_command=_look(folder),
        )


def refuse_full(folder: Path) -> None:
    """Raise PrerequisiteMissing when the disk of `folder` is full: whatever else goes wrong then is its consequence."""
    if free_mib(folder) < FULL_MIB:
        raise disk_full(folder, "the services cannot write their files")


def disk_full(folder: Path, why: str) -> PrerequisiteMissing:
    """The error for a disk without room."""
    return PrerequisiteMissing(f"the disk is full: nothing is left in {folder}", why=why, next_command=_look(folder))


def _look(folder: Path) -> str:
    while not folder.exists():
        folder = folder.parent
    return f"df -h '{folder}'    (make room, then: sandbox up)"
