"""VolumeFiles: the files of external volumes, which are objects in S3, with copies here of those that are read.

Nothing is remembered about S3: each question is asked there. The copies are kept by ETag, so a copy is never stale.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.volumes.files import chunks
from sandbox.databricks_stub.kernel.volumes.paths import Place


@dataclass(frozen=True, kw_only=True)
class Node:
    """A file or a folder of a volume."""

    name: str
    is_folder: bool
    size: int = 0
    modified: float = 0.0
    tag: str = ""


class VolumeFiles:
    """The remote files; `client` makes an S3 client, `copies` is the folder for what is read or written here."""

    def __init__(self, *, copies: Path, client: Callable[[], Any]) -> None:
        self.copies = copies
        self._make_client = client

    @property
    def _s3(self) -> Any:
        return self._make_client()

    def find(self, place: Place) -> Node | None:
        """What is at a place; None when there is nothing."""
        from botocore.exceptions import ClientError

        name = posixpath.basename(place.inside)
        if not place.inside:
            return Node(name=posixpath.basename(place.volume), is_folder=True)
        try:
            answer = self._s3.head_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
        else:
            modified = answer["LastModified"].timestamp()
            size = int(answer["ContentLength"])
            return Node(name=name, is_folder=False, size=size, modified=modified, tag=answer["ETag"].strip('"'))
        below = self._s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key + "/", MaxKeys=1)
        return Node(name=name, is_folder=True) if below.get("KeyCount") else None

    def need(self, place: Place, path: str) -> Node:
        """What is at a place; raises FileNotFoundError when there is nothing."""
        found = self.find(place)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return found

    def children(self, place: Place, path: str) -> list[Node]:
        """What is in a folder, sorted by name."""
        prefix = place.key.rstrip("/") + "/" if place.key else ""
        found: dict[str, Node] = {}
        is_there = not place.inside
        for page in self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=place.bucket, Prefix=prefix, Delimiter="/"
        ):
            for item in page.get("CommonPrefixes", ()):
                name = item["Prefix"][len(prefix) :].rstrip("/")
                found.setdefault(name, Node(name=name, is_folder=True))
            for item in page.get("Contents", ()):
                is_there = True
                if name := item["Key"][len(prefix) :]:
                    modified = item["LastModified"].timestamp()
                    found[name] = Node(name=name, is_folder=False, size=int(item["Size"]), modified=modified)
        if not found and not is_there:
            if self.find(place):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return [found[name] for name in sorted(found)]

    def copy_here(self, place: Place, path: str) -> Path:
        """The file's copy on this machine, downloaded unless there is one of this ETag."""
        node = self.need(place, path)
        if node.is_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        folder = self.copies / hashlib.sha256(f"{place.bucket}/{place.key}".encode()).hexdigest()[:32]
        copy = folder / node.tag / node.name
        if copy.is_file():
            return copy
        draft = self.draft(node.name)
        try:
            with draft.open("wb") as stream:
                for chunk in chunks(f"s3://{place.bucket}/{place.key}", client=self._s3):
                    stream.write(chunk)
        except BaseException:
            self.discard(draft)
            raise
        old = [item for item in folder.iterdir() if item.name != node.tag] if folder.is_dir() else []
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(copy)
        draft.parent.rmdir()
        for item in old:
            shutil.rmtree(item, ignore_errors=True)
        return copy

    def draft(self, name: str) -> Path:
        """A new place on this machine for a file that is to become an object."""
        folder = self.copies / f"draft-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        return folder / name

    def upload(self, place: Place, draft: Path) -> None:
        """Make a draft the object, and remove the draft."""
        try:
            self._s3.upload_file(str(draft), place.bucket, place.key)
        finally:
            self.discard(draft)

    def discard(self, draft: Path) -> None:
        """Remove a draft."""
        shutil.rmtree(draft.parent)

    def need_parent(self, place: Place, path: str) -> None:
        """Raises unless the folder above a place is there."""
        parent = posixpath.dirname(place.inside)
        if not place.inside:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        above = Place(volume=place.volume, location=place.location, inside=parent)
        if not self.need(above, path).is_folder:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)

    def remove(self, place: Place, path: str) -> None:
        """Remove a file."""
        if self.need(place, path).is_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self._s3.delete_object(Bucket=place.bucket, Key=place.key)

    def make_folder(self, place: Place, path: str) -> None:
        """Make a folder: an empty object whose name ends in a slash."""
        if self.find(place):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        self.need_parent(place, path)
        self._s3.put_object(Bucket=place.bucket, Key=place.key + "/", Body=b"")

    def remove_folder(self, place: Place, path: str) -> None:
        """Remove an empty folder."""
        if not place.inside:
            raise PermissionError(errno.EPERM, "a volume cannot be removed like a folder", path)
        if self.children(place, path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        self._s3.delete_object(Bucket=place.bucket, Key=place.key + "/")

    def remove_tree(self, place: Place) -> None:
        """Remove a folder with all that is in it; the volume itself stays."""
        for key in self._keys(place):
            self._s3.delete_object(Bucket=place.bucket, Key=key)

    def rename(self, old: Place, new: Place, path: str) -> None:
        """Give a file or a folder another name, in S3 a copy and a removal."""
        if self.need(old, path).is_folder:
            pairs = [(key, new.key + key[len(old.key) :]) for key in self._keys(old)]
        else:
            pairs = [(old.key, new.key)]
        self.need_parent(new, path)
        for source, target in pairs:
            self._s3.copy({"Bucket": old.bucket, "Key": source}, new.bucket, target)
        for source, _ in pairs:
            self._s3.delete_object(Bucket=old.bucket, Key=source)

    def _keys(self, place: Place) -> Iterator[str]:
        prefix = place.key.rstrip("/") + "/" if place.key else ""
        found = []
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix):
            found += [str(item["Key"]) for item in page.get("Contents", ())]
        keep = prefix if not place.inside else ""
        return iter(key for key in found if key != keep)
