"""Snapshots in the bucket, and the one object that says which of them is current.

<prefix><site>/<snapshot>/Posts.xml      never changed once written
<prefix><site>/<snapshot>/Users.xml
<prefix>current.json                     the manifest: put last, in one piece, so that nobody sees half a pair
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stack_exchange.errors import Unavailable
from stack_exchange.settings import Settings
from stack_exchange.upload import missing_bucket
from stack_exchange.upstream import Upstream

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

SCHEMA = 1
_ABANDONED_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class File:
    """One of the two files; `volume_path` is its path below the prefix, where the notebooks' volume begins."""

    uri: str
    key: str
    volume_path: str
    size_bytes: int
    rows: int
    sha256: str
    etag: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A snapshot: where it came from and what it holds, by asset name."""

    site: str
    snapshot: str
    published_at: str
    archive_sha256: str
    upstream: Upstream
    files: dict[str, File]

    def to_json(self) -> dict[str, Any]:
        """For the bucket and for XCom."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Manifest:
        """The opposite of `to_json`; a KeyError or TypeError when it is none."""
        return cls(
            site=value["site"],
            snapshot=value["snapshot"],
            published_at=value["published_at"],
            archive_sha256=value["archive_sha256"],
            upstream=Upstream(**value["upstream"]),
            files={name: File(**file) for name, file in value["files"].items()},
        )

    def extra(self, asset: str) -> dict[str, Any]:
        """What an event of this asset carries."""
        return {"site": self.site, "snapshot": self.snapshot, **asdict(self.files[asset])}


def new_snapshot_id(now: datetime, archive_sha256: str) -> str:
    """Unique, and in the order of time when sorted as text."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{archive_sha256[:12]}"


def folder(settings: Settings, snapshot: str) -> str:
    """The prefix of a snapshot's objects."""
    return f"{settings.prefix}{settings.site}/{snapshot}/"


def check_bucket(s3: S3Client, bucket: str) -> None:
    """Raise BadInput unless the bucket is there and ours."""
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status in {301, 400, 403, 404}:
            meaning = {404: "it does not exist", 403: "aws_conn may not use it", 301: "it is in another region"}
            raise missing_bucket(bucket, why=f"{meaning.get(status, str(error))} (HTTP {status})") from error
        raise


def current(s3: S3Client, settings: Settings) -> Manifest | None:
    """The manifest of the current snapshot, or None when there is none that can be read."""
    try:
        body = s3.get_object(Bucket=settings.bucket, Key=settings.manifest_key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    try:
        return Manifest.from_json(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("s3://%s/%s is no manifest (%r): publishing anew", settings.bucket, settings.manifest_key, error)
        return None


def is_unchanged(s3: S3Client, settings: Settings, manifest: Manifest | None, upstream: Upstream) -> bool:
    """Whether the current snapshot is of this very archive and complete in the bucket.

    A host that gives neither ETag nor Last-Modified has always changed.
    """
    if manifest is None or manifest.site != settings.site:
        return False
    if upstream.etag is None and upstream.last_modified is None:
        return False
    before = manifest.upstream
    if (before.url, before.etag, before.size_bytes) != (upstream.url, upstream.etag, upstream.size_bytes):
        return False
    if upstream.etag is None and before.last_modified != upstream.last_modified:
        return False
    return all(_is_there(s3, settings.bucket, file) for file in manifest.files.values())


def publish(s3: S3Client, settings: Settings, manifest: Manifest) -> None:
    """Make the snapshot current: both files checked once more, then one put."""
    for file in manifest.files.values():
        if not _is_there(s3, settings.bucket, file):
            raise Unavailable(f"{file.uri} is not (or no longer) what was uploaded: clear the task that ingests")
    body = json.dumps(manifest.to_json(), indent=2).encode()
    s3.put_object(Bucket=settings.bucket, Key=settings.manifest_key, Body=body, ContentType="application/json")


def forget(s3: S3Client, settings: Settings, snapshot: str) -> int:
    """Delete a snapshot's objects; returns how many there were."""
    keys = [{"Key": item["Key"]} for item in _objects(s3, settings.bucket, folder(settings, snapshot))]
    for start in range(0, len(keys), 1000):
        s3.delete_objects(Bucket=settings.bucket, Delete={"Objects": keys[start : start + 1000]})  # type: ignore[typeddict-item]
    return len(keys)


def remove_old(s3: S3Client, settings: Settings, *, now: datetime) -> list[str]:
    """Delete all but the newest snapshots of the site, and what uploads left behind that were killed a day ago.

    Neither the current snapshot nor a newer one (it may be on its way) is touched. Returns the ids that went.
    """
    manifest = current(s3, settings)
    if manifest is None or manifest.site != settings.site:
        return []
    site = f"{settings.prefix}{settings.site}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=site, Delimiter="/")
    found = sorted(item["Prefix"][len(site) : -1] for page in pages for item in page.get("CommonPrefixes", []))
    older = [snapshot for snapshot in found if snapshot < manifest.snapshot]
    removed = older[: max(0, len(older) - (settings.keep_snapshots - 1))]
    for snapshot in removed:
        forget(s3, settings, snapshot)
    uploads = s3.get_paginator("list_multipart_uploads").paginate(Bucket=settings.bucket, Prefix=site)
    for page in uploads:
        for upload in page.get("Uploads", []):
            if upload["Initiated"] < now - _ABANDONED_AFTER:
                s3.abort_multipart_upload(Bucket=settings.bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return removed


def _objects(s3: S3Client, bucket: str, prefix: str) -> list[Any]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item for page in pages for item in page.get("Contents", [])]


def _is_there(s3: S3Client, bucket: str, file: File) -> bool:
    try:
        found = s3.head_object(Bucket=bucket, Key=file.key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return found["ContentLength"] == file.size_bytes and found["ETag"].strip('"') == file.etag
