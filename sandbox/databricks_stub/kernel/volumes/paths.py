"""Volume paths: what `/Volumes/<catalog>/<schema>/<volume>/…` stands for. Standard library only, touches nothing."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

ROOT = "/Volumes"
BUCKETS = f"{ROOT}/.s3"
"""Below it, dbutils.fs reaches buckets by their names, as if each were a volume."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A path inside of a volume."""

    volume: str
    """`/Volumes/<catalog>/<schema>/<name>`"""
    location: str
    """`s3://bucket/prefix/` or a folder, ending in a slash."""
    inside: str
    """Below the volume, without a slash in front; "" for the volume itself."""

    @property
    def bucket(self) -> str:
        """The bucket, "" for a volume that is a folder."""
        return self.location.removeprefix("s3://").partition("/")[0] if self.is_remote else ""

    @property
    def key(self) -> str:
        """The object's key in the bucket."""
        return self.location.removeprefix("s3://").partition("/")[2] + self.inside

    @property
    def is_remote(self) -> bool:
        """Whether the volume lies in S3."""
        return self.location.startswith("s3://")


class VolumePaths:
    """The volumes of a sandbox: `/Volumes/<catalog>/<schema>/<name>` to `s3://bucket/prefix/` or a folder."""

    def __init__(self, volumes: Mapping[str, str]) -> None:
        self._volumes = {
            name.rstrip("/"): location.replace("s3a://", "s3://", 1).rstrip("/") + "/"
            for name, location in volumes.items()
        }

    def plain(self, path: str) -> str:
        """A path without the scheme of a file system: `dbfs:/Volumes/…` is `/Volumes/…`, `file:/x` is `/x`."""
        for scheme in ("dbfs:", "file:"):
            if path.startswith(scheme):
                return "/" + path.removeprefix(scheme).lstrip("/")
        return path

    def find(self, path: str) -> Place | None:
        """Where a path is in its volume; None when it is in none."""
        plain = self.plain(path)
        if not plain.startswith(ROOT + "/"):
            return None
        # a pattern such as *.csv stays as it is
        plain = posixpath.normpath(plain)
        for volume, location in self._volumes.items():
            if plain == volume or plain.startswith(volume + "/"):
                return Place(volume=volume, location=location, inside=plain[len(volume) + 1 :])
        if plain.startswith(BUCKETS + "/"):
            bucket, _, key = plain.removeprefix(BUCKETS + "/").partition("/")
            return Place(volume=f"{BUCKETS}/{bucket}", location=f"s3://{bucket}/", inside=key)
        return None

    def resolve(self, path: str) -> str:
        """The path as Spark must be given it; a path in no volume stays as it is.

        Raises FileNotFoundError for a path below /Volumes in a volume that does not exist.
        """
        place = self.find(path)
        if place is not None:
            slash = "/" if path.endswith("/") and place.inside else ""
            return place.location + place.inside + slash
        plain = self.plain(path)
        if plain.startswith(ROOT + "/"):
            known = ", ".join(sorted(self._volumes)) or "none"
            raise FileNotFoundError(f"[PATH_NOT_FOUND] Path does not exist: {path}; the volumes are: {known}")
        return plain if path.startswith("file:") else path

    def below(self, path: str) -> list[str] | None:
        """The names directly in a folder above the volumes (/Volumes, a catalog, a schema); None when it is no such."""
        plain = posixpath.normpath(self.plain(path))
        if plain != ROOT and not plain.startswith(ROOT + "/"):
            return None
        depth = plain.count("/")
        names = {volume.split("/")[depth + 1] for volume in self._volumes if volume.startswith(plain + "/")}
        return sorted(names) or ([] if plain == ROOT else None)
