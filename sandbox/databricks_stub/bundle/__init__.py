"""BundleWatcher: the jobs of databricks.yml as they stand on disk at this moment."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.databricks_stub.bundle.load import Bundle, BundleJob, load
from sandbox.databricks_stub.bundle.nodes import BundleError

__all__ = ["Bundle", "BundleError", "BundleJob", "BundleWatcher", "Snapshot"]

Signature = tuple[tuple[Path, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The last good bundle (None: there never was one), and what is wrong with the present file, if anything."""

    bundle: Bundle | None = None
    error: str | None = None
    jobs: Mapping[int, BundleJob] = field(default_factory=dict)
    changed_ms: int = 0


class BundleWatcher:
    """Reads the bundle again whenever one of its files has changed; thread-safe.

    One that is not `required` may be absent: the jobs are then those that clients make.
    """

    def __init__(
        self, path: Path | None, target: str, *, host: str, environ: Mapping[str, str], required: bool = True
    ) -> None:
        self._path = path
        self._required = required
        self._target = target
        self._host = host
        self._environ = environ
        self._lock = threading.Lock()
        self._files: tuple[Path, ...] = (path,) if path else ()
        self._signature: Signature | None = None
        self._snapshot = Snapshot()

    def current(self) -> Snapshot:
        """The bundle of this moment: an edit that has been saved is in it."""
        if self._path is None:
            return self._snapshot
        with self._lock:
            signature = _signature(self._files)
            if signature != self._signature:
                self._reload(self._path)
            return self._snapshot

    def _reload(self, path: Path) -> None:
        seen: list[Path] = []
        before = _signature(self._files)
        # one that was there before is missed: somebody removed it, or is just writing it anew
        if not self._required and self._snapshot.bundle is None and not path.exists():
            self._snapshot, self._signature = Snapshot(), before
            return
        try:
            bundle = load(path, self._target, host=self._host, environ=self._environ, seen=seen)
        except BundleError as error:
            self._snapshot = Snapshot(
                bundle=self._snapshot.bundle,
                error=str(error),
                jobs=self._snapshot.jobs,
                changed_ms=self._snapshot.changed_ms,
            )
        else:
            jobs = {job.job_id: job for job in bundle.jobs.values()}
            self._snapshot = Snapshot(bundle=bundle, jobs=jobs, changed_ms=_changed_ms(seen))
        files = tuple(dict.fromkeys((path, path.parent, *seen)))
        # A file saved while it was read differs from `before`: it is read again next time.
        self._signature = before if files == self._files else _signature(files)
        self._files = files


def _signature(files: tuple[Path, ...]) -> Signature:
    return tuple(_stamp(file) for file in files)


def _stamp(path: Path) -> tuple[Path, int, int]:
    try:
        found = path.stat()
    except OSError:
        return path, 0, -1
    return path, found.st_mtime_ns, found.st_size


def _changed_ms(files: list[Path]) -> int:
    return max((_stamp(file)[1] for file in files if file.is_file()), default=0) // 1_000_000
