"""The locks of a project's own runtimes: committed with it, so that what was tested can be installed again.

A row with a project's additions has no lock in this package. Without one in the project it is resolved on the spot.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path

from sandbox.runtimes.store import RuntimeRequest

HEADER = "# Written by `sandbox runtimes lock`: "


def lock_file(request: RuntimeRequest, folder: Path) -> Path:
    """Where the lock of a row with these additions lies: the row's name, and eight hex digits for the additions."""
    digest = hashlib.sha256("\0".join(sorted(request.additions)).encode()).hexdigest()[:8]
    return folder / f"{request.name}-{digest}.txt"


def locked(requests: Iterable[RuntimeRequest], folder: Path) -> tuple[RuntimeRequest, ...]:
    """The requests, each with its lock from the project's `folder`, where it has additions and there is one."""
    return tuple(
        dataclasses.replace(request, lock=file)
        if request.is_derived and (file := lock_file(request, folder)).is_file()
        else request
        for request in requests
    )
