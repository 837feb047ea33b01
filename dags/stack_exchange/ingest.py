"""Bring a dump's posts and users into the bucket as a new snapshot, streaming from end to end.

The archive is downloaded into a file without a name, which vanishes with the process; its members are unpacked,
checked and uploaded at the same time. Whatever fails, nothing of the snapshot stays and what was published before
remains.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
from botocore.exceptions import ClientError

from stack_exchange import snapshots, unpack, upstream
from stack_exchange.errors import BadInput
from stack_exchange.members import Member, Sink
from stack_exchange.rows import RowChecker
from stack_exchange.settings import Settings
from stack_exchange.snapshots import File, Manifest
from stack_exchange.unpack import Limits
from stack_exchange.upload import Upload, missing_bucket
from stack_exchange.upstream import Upstream

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

ASSET_OF_MEMBER = {"Posts.xml": "posts", "Users.xml": "users"}
_BUCKET_ERRORS = {"NoSuchBucket", "AccessDenied", "AllAccessDisabled", "InvalidBucketName"}


def find_new_archive(s3: S3Client, client: httpx.Client, settings: Settings, *, force: bool) -> Upstream | None:
    """What to ingest, or None when the current snapshot is of this very archive and `force` is not set."""
    snapshots.check_bucket(s3, settings.bucket)
    found = upstream.ask(client, settings)
    manifest = snapshots.current(s3, settings)
    if not force and snapshots.is_unchanged(s3, settings, manifest, found):
        return None
    return found


def ingest(s3: S3Client, client: httpx.Client, settings: Settings, found: Upstream, *, now: datetime) -> Manifest:
    """Download, check, unpack and upload; returns the manifest of the snapshot, which nobody sees before `publish`."""
    expected = upstream.checksums(client, settings)
    temp_folder = settings.temp_folder or tempfile.gettempdir()
    with tempfile.TemporaryFile(dir=temp_folder) as file:
        downloaded = upstream.download(
            client, settings, file, upstream=found, expected=expected, free_bytes=upstream.free_bytes(temp_folder)
        )
        log.info("downloaded %s: %s bytes, sha256 %s", found.url, downloaded.size_bytes, downloaded.sha256)
        snapshot = snapshots.new_snapshot_id(now, downloaded.sha256)
        files: dict[str, File] = {}

        def open_sink(member: Member) -> AbstractContextManager[Sink]:
            return _into_bucket(s3, settings, snapshot, member, files)

        limits = Limits(max_unpacked_bytes=settings.max_unpacked_bytes, max_ratio=settings.max_ratio)
        try:
            unpack.extract(file, ASSET_OF_MEMBER, open_sink, limits=limits)
        except BaseException as error:
            _clean_up(s3, settings, snapshot)
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in _BUCKET_ERRORS:
                raise missing_bucket(settings.bucket, why=str(error)) from error
            raise
    return Manifest(
        site=settings.site,
        snapshot=snapshot,
        published_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        archive_sha256=downloaded.sha256,
        upstream=found,
        files=files,
    )


@contextmanager
def _into_bucket(
    s3: S3Client, settings: Settings, snapshot: str, member: Member, files: dict[str, File]
) -> Iterator[Sink]:
    """Check one member and upload it; a checked and complete one is entered into `files`."""
    asset = ASSET_OF_MEMBER[member.name]
    checker = RowChecker(member.name, root=asset)
    volume_path = f"{settings.site}/{snapshot}/{member.name}"
    with Upload(s3, settings.bucket, settings.prefix + volume_path, expected_bytes=member.size) as upload:
        yield _CheckedUpload(checker=checker, upload=upload)
        rows = checker.close()
        if rows == 0:
            raise BadInput(
                f"the archive's {member.name} is empty",
                why="it has no <row>",
                next_step="check the archive; nothing was published, the last good data stays",
            )
        uploaded = upload.complete()
    files[asset] = File(
        uri=f"s3://{settings.bucket}/{uploaded.key}",
        key=uploaded.key,
        volume_path=volume_path,
        size_bytes=uploaded.size_bytes,
        rows=rows,
        sha256=uploaded.sha256,
        etag=uploaded.etag,
    )
    log.info("uploaded %s: %s rows, %s bytes", files[asset].uri, rows, uploaded.size_bytes)


def _clean_up(s3: S3Client, settings: Settings, snapshot: str) -> None:
    try:
        snapshots.forget(s3, settings, snapshot)
    except Exception as error:
        log.warning("could not remove the files of snapshot %s: %s", snapshot, error)


@dataclass(frozen=True, kw_only=True)
class _CheckedUpload:
    checker: RowChecker
    upload: Upload

    def write(self, data: bytes) -> None:
        self.checker.feed(data)
        self.upload.write(data)
