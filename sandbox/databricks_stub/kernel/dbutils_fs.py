"""dbutils.fs over plain files: /Volumes/…, dbfs:/…, file:/… and s3://… paths; volumes and buckets are `volumes/`.

Documented: https://docs.databricks.com/dev-tools/databricks-utils#file-system-utility-dbutilsfs
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from sandbox.databricks_stub.kernel.volumes.paths import BUCKETS

SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):")
S3 = ("s3", "s3a", "s3n")


class FileInfo(NamedTuple):
    """What `ls` tells of a file; folders end in a slash and have size 0."""

    path: str
    name: str
    size: int
    modificationTime: int

    def isDir(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")

    def isFile(self) -> bool:
        """Whether it is a file."""
        return not self.isDir()


class FileSystem:
    """dbutils.fs; `root` is the folder behind dbfs:/."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _local(self, path: str) -> str:
        """The path for the functions of `os`; raises ValueError for a file system that is not here."""
        found = SCHEME.match(path)
        scheme = found["scheme"].lower() if found else "dbfs"
        plain = "/" + (path[found.end() :] if found else path).lstrip("/")
        if scheme == "file":
            return plain
        if scheme in S3:
            return BUCKETS + plain
        if scheme != "dbfs":
            raise ValueError(
                f"there is no file system for {scheme}: {path}; this workspace has /Volumes/…, dbfs:/…, file:/… and s3://…"
            )
        if plain == "/Volumes" or plain.startswith("/Volumes/"):
            return plain
        inside = os.path.normpath(plain).lstrip("/")
        return str(self._root / inside)

    def ls(self, path: str) -> list[FileInfo]:
        """The entries of a folder, or the file itself."""
        local = self._local(path)
        if os.path.isfile(local):
            names = [("", local)]
        elif os.path.isdir(local):
            names = [(name, os.path.join(local, name)) for name in sorted(os.listdir(local))]
        else:
            raise FileNotFoundError(f"No such file or directory {path}")
        return [self._info(path, name, found) for name, found in names]

    @staticmethod
    def _info(path: str, name: str, local: str) -> FileInfo:
        status = os.stat(local)
        shown = path if not name else f"{path.rstrip('/')}/{name}"
        folder = os.path.isdir(local)
        shown += "/" if folder else ""
        base = shown.rstrip("/").rpartition("/")[2] + ("/" if folder else "")
        return FileInfo(shown, base, 0 if folder else status.st_size, int(status.st_mtime * 1000))

    def head(self, file: str, maxBytes: int = 65536) -> str:
        """The first bytes of a file as text."""
        with open(self._local(file), "rb") as stream:
            return stream.read(maxBytes).decode(errors="replace")

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        """Write a text file."""
        local = self._local(file)
        if os.path.exists(local) and not overwrite:
            raise FileExistsError(f"{file} already exists; pass overwrite=True")
        os.makedirs(os.path.dirname(local), exist_ok=True)
        with open(local, "w", encoding="utf-8") as stream:
            stream.write(contents)
        return True

    def cp(self, source: str, target: str, recurse: bool = False) -> bool:
        """Copy a file, or a folder with recurse=True."""
        here, there = self._local(source), self._local(target)
        if os.path.isdir(here):
            if not recurse:
                raise IsADirectoryError(f"{source} is a folder; pass recurse=True")
            if f"{os.path.realpath(there)}/".startswith(f"{os.path.realpath(here)}/"):
                raise shutil.SameFileError(f"{source} cannot be copied into itself: {target}")
            os.makedirs(there, exist_ok=True)
            for name in os.listdir(here):
                self.cp(f"{source.rstrip('/')}/{name}", f"{target.rstrip('/')}/{name}", recurse=True)
            return True
        if os.path.isdir(there):
            there = os.path.join(there, os.path.basename(here))
        if os.path.realpath(here) == os.path.realpath(there):
            raise shutil.SameFileError(f"{source} and {target} are the same file")
        with open(here, "rb") as reading:
            os.makedirs(os.path.dirname(there), exist_ok=True)
            with open(there, "wb") as writing:
                shutil.copyfileobj(reading, writing)
        return True

    def mv(self, source: str, target: str, recurse: bool = False) -> bool:
        """Move a file, or a folder with recurse=True."""
        self.cp(source, target, recurse)
        return self.rm(source, recurse)

    def rm(self, path: str, recurse: bool = False) -> bool:
        """Remove a file, or a folder with recurse=True; False when there is none."""
        local = self._local(path)
        if os.path.isdir(local):
            if not recurse and os.listdir(local):
                raise OSError(f"{path} is not empty; pass recurse=True")
            for name in os.listdir(local):
                self.rm(f"{path.rstrip('/')}/{name}", recurse=True)
            if os.path.isdir(local):
                os.rmdir(local)
            return True
        if not os.path.exists(local):
            return False
        os.remove(local)
        return True

    def mkdirs(self, path: str) -> bool:
        """Make a folder and those above it."""
        os.makedirs(self._local(path), exist_ok=True)
        return True
