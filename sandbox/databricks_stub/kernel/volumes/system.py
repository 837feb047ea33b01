"""Plain Python's view of volumes: `open`, `os`, `pathlib`, `glob`, `shutil` and pandas see /Volumes/… in this process.

No mount and no root are needed: the functions of `builtins`, `io` and `os` that take a path are replaced by ones that
look whether it is in a volume. What does not go through them does not see volumes: other processes (`%sh`), and
libraries that open files in C++ (polars, for example, when it is given a path rather than a file object).
"""

from __future__ import annotations

import builtins
import errno
import glob
import io
import os
import posixpath
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from sandbox.databricks_stub.kernel.volumes.paths import Place, VolumePaths
from sandbox.databricks_stub.kernel.volumes.remote import Node, VolumeFiles

originals: dict[tuple[Any, str], Any] = {}
"""The functions that were replaced."""


class Entry:
    """What os.scandir tells of a file in a volume."""

    def __init__(self, folder: str, node: Node) -> None:
        self.name = node.name
        self.path = posixpath.join(folder, node.name)
        self._node = node

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._node.is_folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return not self._node.is_folder

    def is_symlink(self) -> bool:
        return False

    def is_junction(self) -> bool:
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return status(self._node)

    def inode(self) -> int:
        return 0

    def __fspath__(self) -> str:
        return self.path


class Entries:
    """What os.scandir returns: an iterator and a context manager."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Entry]:
        return self._entries

    def __next__(self) -> Entry:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())


class UploadedFile(io.FileIO):
    """A new file on this machine that becomes an object when it is closed, unless a write has failed."""

    def __init__(self, draft: Path, *, shown: str, upload: Callable[[], None], discard: Callable[[], None]) -> None:
        super().__init__(draft, "w")
        self._shown = shown
        self._upload = upload
        self._discard = discard
        self._failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self._failure = error
            raise

    def close(self) -> None:
        if self.closed:
            return
        try:
            super().close()
        except OSError:
            self._discard()
            raise
        if self._failure is None:
            self._upload()
            return
        # a buffer closes what is below it also when it could not write: an object with half of the data looks whole
        self._discard()
        raise OSError(self._failure.errno, f"{self._failure.strerror}, so the file was not uploaded", self._shown)


def status(node: Node) -> os.stat_result:
    """A node as os.stat tells it."""
    mode = (stat.S_IFDIR | 0o755) if node.is_folder else (stat.S_IFREG | 0o644)
    moment = int(node.modified)
    exact = {f"st_{kind}time": node.modified for kind in "amc"}
    exact_ns = {f"st_{kind}time_ns": int(node.modified * 1e9) for kind in "amc"}
    plain = (mode, 0, 0, 1, os.getuid(), os.getgid(), node.size, moment, moment, moment)
    return os.stat_result(plain, exact | exact_ns)


class VolumeSystem:
    """The replaced functions; each takes the place first, then what the original takes."""

    def __init__(self, paths: VolumePaths, files: VolumeFiles) -> None:
        self.paths = paths
        self.files = files

    def open(
        self,
        place: Place,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: Any = None,
        errors: Any = None,
        newline: Any = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        path = os.fspath(file)
        if "+" in mode or "a" in mode:
            # Documented: https://docs.databricks.com/volumes/volume-files#limitations
            raise OSError(errno.EOPNOTSUPP, "volumes take neither appended nor random writes; write a new file", path)
        if "r" in mode or not set(mode) & set("wx"):
            copy = self.files.copy_here(place, path)
            return originals[io, "open"](copy, mode, buffering, encoding, errors, newline)
        self.files.need_parent(place, path)
        node = self.files.find(place)
        if node and node.is_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if node and "x" in mode:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        draft = self.files.draft(posixpath.basename(place.inside))
        raw = UploadedFile(
            draft,
            shown=path,
            upload=lambda: self.files.upload(place, draft),
            discard=lambda: self.files.discard(draft),
        )
        if "b" in mode:
            return raw if buffering == 0 else io.BufferedWriter(raw)
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, newline, line_buffering=buffering == 1)

    def os_open(self, place: Place, path: Any, flags: int, mode: int = 0o777, **_: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EOPNOTSUPP, "os.open writes no files in volumes here; use open()", os.fspath(path))
        found: int = originals[os, "open"](self.files.copy_here(place, os.fspath(path)), flags, mode)
        return found

    def stat(self, place: Place, path: Any, **_: Any) -> os.stat_result:
        return status(self.files.need(place, os.fspath(path)))

    def listdir(self, place: Place, path: Any) -> list[str]:
        return [node.name for node in self.files.children(place, os.fspath(path))]

    def scandir(self, place: Place, path: Any) -> Entries:
        folder = os.fspath(path)
        return Entries([Entry(folder, node) for node in self.files.children(place, folder)])

    def access(self, place: Place, path: Any, mode: int, **_: Any) -> bool:
        return self.files.find(place) is not None

    def remove(self, place: Place, path: Any, **_: Any) -> None:
        self.files.remove(place, os.fspath(path))

    def mkdir(self, place: Place, path: Any, mode: int = 0o777, **_: Any) -> None:
        self.files.make_folder(place, os.fspath(path))

    def rmdir(self, place: Place, path: Any, **_: Any) -> None:
        self.files.remove_folder(place, os.fspath(path))

    def rmtree(self, place: Place, path: Any, ignore_errors: bool = False, *_: Any, **__: Any) -> None:
        if not ignore_errors:
            self.files.need(place, os.fspath(path))
        self.files.remove_tree(place)

    def rename(self, place: Place, source: Any, target: Any, **_: Any) -> None:
        new = self.paths.find(os.fspath(target))
        if new is None or not new.is_remote:
            # shutil.move copies then
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), os.fspath(source), None, os.fspath(target))
        self.files.rename(place, new, os.fspath(source))

    def nothing(self, place: Place, *_: Any, **__: Any) -> None:
        """chmod and utime: objects have neither modes nor times of their own."""

    def no_attributes(self, place: Place, *_: Any, **__: Any) -> list[str]:
        return []

    def refuse(self, place: Place, path: Any, *_: Any, **__: Any) -> Any:
        raise OSError(errno.EOPNOTSUPP, "this is not possible in a volume", os.fspath(path))


REPLACED: tuple[tuple[Any, str, str], ...] = (
    (builtins, "open", "open"),
    (io, "open", "open"),
    (os, "open", "os_open"),
    (os, "stat", "stat"),
    (os, "lstat", "stat"),
    (os, "listdir", "listdir"),
    (os, "scandir", "scandir"),
    (os, "access", "access"),
    (os, "remove", "remove"),
    (os, "unlink", "remove"),
    (os, "mkdir", "mkdir"),
    (os, "rmdir", "rmdir"),
    (os, "rename", "rename"),
    (os, "replace", "rename"),
    (os, "chmod", "nothing"),
    (os, "utime", "nothing"),
    (os, "listxattr", "no_attributes"),
    (os, "chdir", "refuse"),
    (os, "truncate", "refuse"),
    (shutil, "rmtree", "rmtree"),
)
"""Module, function, and the method of VolumeSystem that stands in for paths in a volume."""

KEEPERS: tuple[type, ...] = tuple(vars(glob)[name] for name in ("_StringGlobber",) if name in vars(glob))
"""Classes that keep functions of `os` as they were when they were imported: those of Path.glob in Python 3.13."""
