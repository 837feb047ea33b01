"""Files on this machine or in S3: which ones a path means, and their bytes in chunks."""

from __future__ import annotations

import fnmatch
import functools
import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CHUNK_BYTES = 1 << 20
PATTERN_SIGNS = "*?["
RETRIES = 3


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file: where it is, how it is called for the user, and what tells whether it has changed."""

    address: str
    shown: str
    size: int = 0
    modified: float = 0.0


def expand(address: str, *, shown: str, pattern: str = "", recursive: bool = False) -> list[Found]:
    """The files behind a file, a folder or a pattern, sorted; hidden ones (`_…`, `.…`) in folders are left out.

    Raises FileNotFoundError when there is none at all.
    """
    address = address.removeprefix("file://")
    find = _expand_s3 if address.startswith("s3://") else _expand_local
    found = find(address, recursive)
    if not found:
        raise FileNotFoundError(f"[PATH_NOT_FOUND] Path does not exist: {shown}. SQLSTATE: 42K03")
    base = _fixed(address)
    return [
        Found(address=item, shown=_shown(item, base=base, shown=_fixed(shown)), size=size, modified=modified)
        for item, size, modified in sorted(found)
        if not pattern or fnmatch.fnmatchcase(item.rpartition("/")[2], pattern)
    ]


def exists(address: str) -> bool:
    """Whether there is anything in S3 at an address or below it, or that may match a pattern."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    start = min((key.find(sign) for sign in PATTERN_SIGNS + "{" if sign in key), default=-1)
    if start >= 0:
        return bool(s3().list_objects_v2(Bucket=bucket, Prefix=key[:start], MaxKeys=1).get("KeyCount"))
    # at first the key itself, then what is below it: "a-b" sorts before "a/"
    for prefix in (key.rstrip("/"), key.rstrip("/") + "/"):
        for item in s3().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", ()):
            if item["Key"] == prefix or item["Key"].startswith(key.rstrip("/") + "/"):
                return True
    return False


def chunks(address: str, client: Any = None) -> Iterator[bytes]:
    """The bytes of a file; a broken connection is taken up again where it broke."""
    if not address.startswith("s3://"):
        with open(address.removeprefix("file://"), "rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk
        return
    from botocore.exceptions import (  # no HTTP client's exceptions leak out of botocore's streams
        ConnectionClosedError,
        IncompleteReadError,
        ReadTimeoutError,
        ResponseStreamingError,
    )

    bucket, _, key = address.removeprefix("s3://").partition("/")
    position, tag, failures = 0, "", 0
    while True:
        wanted = {"Range": f"bytes={position}-", "IfMatch": tag} if position else {}
        answer = (client or s3()).get_object(Bucket=bucket, Key=key, **wanted)
        tag = answer["ETag"]
        try:
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                position += len(chunk)
                yield chunk
            return
        except (ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError):
            failures += 1
            if failures > RETRIES:
                raise


def s3(aws: Mapping[str, str] | None = None) -> Any:
    """A client for the S3 of the sandbox, by default the one that the environment names."""
    given = os.environ if aws is None else aws
    return _client(tuple(sorted((key, value) for key, value in given.items() if key.startswith("AWS_"))))


@functools.lru_cache(maxsize=4)
def _client(aws: tuple[tuple[str, str], ...]) -> Any:
    import boto3
    from botocore.config import Config

    known = dict(aws)
    return boto3.session.Session().client(
        "s3",
        endpoint_url=known.get("AWS_ENDPOINT_URL_S3") or known.get("AWS_ENDPOINT_URL"),
        aws_access_key_id=known.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=known.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=known.get("AWS_SESSION_TOKEN"),
        region_name=known.get("AWS_REGION") or known.get("AWS_DEFAULT_REGION") or "us-east-1",
        # the endpoint's host has no sub-domains for buckets
        config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": RETRIES}),
    )


def is_hidden(relative: str) -> bool:
    """Whether Spark leaves out a file of a folder."""
    return any(part.startswith(("_", ".")) for part in relative.split("/"))


def _fixed(path: str) -> str:
    """The part of a path before its pattern, up to a slash."""
    at = min((path.find(sign) for sign in PATTERN_SIGNS if sign in path), default=-1)
    return path if at < 0 else path[: path.rfind("/", 0, at) + 1]


def _shown(item: str, *, base: str, shown: str) -> str:
    if not item.startswith(base):
        return item
    rest = item[len(base) :].lstrip("/")
    return f"{shown.rstrip('/')}/{rest}" if rest else shown


def _expand_local(path: str, recursive: bool) -> list[tuple[str, int, float]]:
    starts = glob.glob(path) if any(sign in path for sign in PATTERN_SIGNS) else [path]
    names: list[str] = []
    for start in starts:
        if os.path.isfile(start):
            names.append(start)
        for folder, folders, files in os.walk(start):
            names += [os.path.join(folder, name) for name in files if not is_hidden(name)]
            folders[:] = [name for name in folders if not is_hidden(name)] if recursive else []
    return [(name, status.st_size, status.st_mtime) for name in names for status in (os.stat(name),)]


def _expand_s3(address: str, recursive: bool) -> list[tuple[str, int, float]]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    pattern = key if any(sign in key for sign in PATTERN_SIGNS) else ""
    start = key[: min(key.find(sign) for sign in PATTERN_SIGNS if sign in key)] if pattern else key
    folder = key.rstrip("/") + "/" if key else ""
    found = []
    for page in s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start):
        for item in page.get("Contents", ()):
            name = str(item["Key"])
            if name.endswith("/"):
                continue
            if pattern:
                is_wanted = name.count("/") == pattern.count("/") and fnmatch.fnmatchcase(name, pattern)
            else:
                inside = name.removeprefix(folder)
                is_below = name.startswith(folder) and not is_hidden(inside) and (recursive or "/" not in inside)
                is_wanted = name == key or is_below
            if is_wanted:
                found.append((f"s3://{bucket}/{name}", int(item["Size"]), item["LastModified"].timestamp()))
    return found
