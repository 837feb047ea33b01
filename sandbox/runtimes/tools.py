"""What a build needs of the machine, as a value: tests pass their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.runtimes.pythons import Found
    from sandbox.runtimes.uv import RunUv


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _real_uv() -> RunUv:
    from sandbox.runtimes.uv import run_uv

    return run_uv


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a build needs of the machine; tests pass their own."""

    uv: RunUv = field(default_factory=_real_uv)
    find_pythons: Callable[[Iterable[str]], Found] | None = None
    free_bytes: Callable[[Path], int] = _free_bytes
