"""A bucket in moto, a host in memory, archives good and hostile: the ingestion without Airflow or a network."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import moto
import py7zr
import pytest

from sandbox.archive import sevenzip
from sandbox.archive.generate import generate

sys.path.insert(0, str(Path(__file__).parents[3] / "dags"))

from stack_exchange import unpack
from stack_exchange.unpack import Limits

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from stack_exchange.members import Member
    from stack_exchange.settings import Settings

BUCKET = "lake"
BASE_URL = "https://host.example/download/stackexchange/"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEAD = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n'
POSTS = HEAD + b'<posts>\r\n  <row Id="1" PostTypeId="1" />\r\n</posts>'
USERS = HEAD + b'<users>\r\n  <row Id="-1" />\r\n  <row Id="1" />\r\n</users>'
LIMITS = Limits(max_unpacked_bytes=1 << 30, max_ratio=100)
BZIP2 = [{"id": py7zr.FILTER_BZIP2}]


class Body(httpx.SyncByteStream):
    """A response's body that may break off."""

    def __init__(self, content: bytes, break_after: int | None) -> None:
        self._content = content
        self._break_after = break_after

    def __iter__(self) -> Iterator[bytes]:
        if self._break_after is None:
            yield self._content
            return
        yield self._content[: self._break_after]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


@dataclass
class Host:
    """The upstream host: files by name, and what shall go wrong, request by request."""

    files: dict[str, bytes] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    break_after: list[int | None] = field(default_factory=list)
    ranges: bool = True
    requests: list[httpx.Request] = field(default_factory=list)

    def client(self) -> httpx.Client:
        """A client that reaches nothing but this host."""
        return httpx.Client(transport=httpx.MockTransport(self._answer), follow_redirects=True)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        name = request.url.path.rsplit("/", 1)[-1]
        if name.endswith(".7z") and self.statuses and (status := self.statuses.pop(0)) != 200:
            return httpx.Response(status)
        if name not in self.files:
            return httpx.Response(404)
        content = self.files[name]
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        headers = {"etag": etag, "last-modified": "Mon, 01 Dec 2025 00:00:00 GMT"}
        status = 200
        if self.ranges and (wanted := request.headers.get("range")):
            assert request.headers["if-range"] == etag
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            content, status = content[start:], 206
        headers["content-length"] = str(len(content))
        if request.method == "HEAD":
            return httpx.Response(status, headers=headers)
        breaks = self.break_after.pop(0) if self.break_after and name.endswith(".7z") else None
        return httpx.Response(status, headers=headers, stream=Body(content, breaks))


def files_xml(name: str, content: bytes) -> bytes:
    """The list of checksums that archive.org keeps beside the files of an item."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    other = '<file name="other.7z"><md5>0</md5></file>'
    return f'<files>{other}<file name="{name}"><md5>{md5}</md5><sha1>{sha1}</sha1></file></files>'.encode()


def archive(members: dict[str, bytes], *, filters: list[dict[str, int]] | None = None) -> bytes:
    """A .7z with these members, in this order."""
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", filters=filters or BZIP2) as opened:
        for name, content in members.items():
            opened.writef(io.BytesIO(content), name)
    return target.getvalue()


def plain_archive(members: dict[str, bytes]) -> bytes:
    """A .7z whose directory is not packed, with whatever names."""
    target = io.BytesIO()
    chosen = [sevenzip.Member(name=name, chunks=[content]) for name, content in members.items()]
    sevenzip.write(target, chosen, modified=NOW)
    return target.getvalue()


class Collected:
    """What reached the sinks, and which of them ended well."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.ended: list[str] = []

    @contextmanager
    def open(self, member: Member) -> Iterator[io.BytesIO]:
        target = io.BytesIO()
        yield target
        self.content[member.name] = target.getvalue()
        self.ended.append(member.name)


def extract(content: bytes, limits: Limits = LIMITS) -> Collected:
    collected = Collected()
    unpack.extract(io.BytesIO(content), ["Posts.xml", "Users.xml"], collected.open, limits=limits)
    return collected


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated dump of 300 posts and 60 users."""
    folder = tmp_path_factory.mktemp("archive")
    return generate(folder / "sample.7z", site="sample", posts=300, users=60, seed=7)


@pytest.fixture
def host(sample: Path) -> Host:
    """A host that has the sample."""
    return Host(files={"site.example.7z": sample.read_bytes()})


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """A client of an S3 in this process, with one bucket."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with moto.mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of the test's own temporary folder; arguments replace single values."""
    from stack_exchange.settings import Settings

    def make(**changes: Any) -> Settings:
        values: dict[str, Any] = {"site": "site.example", "bucket": BUCKET, "base_url": BASE_URL} | changes
        return Settings(temp_folder=str(tmp_path), **values)

    return make


def contents(s3: S3Client) -> dict[str, bytes]:
    """Every object of the bucket."""
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in sorted(keys)}
