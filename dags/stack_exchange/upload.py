"""Stream one object into S3 by multipart upload: parts go up while the next is filled; a failure leaves nothing."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from stack_exchange.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

_MOST_PARTS = 9_000  # S3 allows 10,000
_SMALLEST_PART_BYTES = 8 << 20
_PARTS_IN_FLIGHT = 2


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """What lies in the bucket now."""

    key: str
    size_bytes: int
    sha256: str
    etag: str


class Upload:
    """A context: leaving it without `complete` aborts the upload."""

    def __init__(self, client: S3Client, bucket: str, key: str, *, expected_bytes: int) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        mebibytes = -(-expected_bytes // _MOST_PARTS) // (1 << 20) + 1
        self._part_bytes = max(_SMALLEST_PART_BYTES, mebibytes << 20)
        self._filling: list[bytes] = []
        self._filled_bytes = 0
        self._size_bytes = 0
        self._sha256 = hashlib.sha256()
        self._md5s: list[bytes] = []
        self._etags: list[str] = []
        self._in_flight: deque[Future[tuple[str, bytes]]] = deque()
        self._upload_id: str | None = None
        self._pool = ThreadPoolExecutor(_PARTS_IN_FLIGHT, thread_name_prefix="upload")

    def __enter__(self) -> Self:
        answer = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key, ContentType="application/xml")
        self._upload_id = answer["UploadId"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._upload_id is None:
            return
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
        except Exception as failure:
            log.warning("could not abort the upload of s3://%s/%s: %s", self._bucket, self._key, failure)

    def write(self, data: bytes) -> None:
        """Take the next bytes; waits while two parts are on their way."""
        self._sha256.update(data)
        self._size_bytes += len(data)
        self._filling.append(data)
        self._filled_bytes += len(data)
        if self._filled_bytes >= self._part_bytes:
            self._send()

    def complete(self) -> Uploaded:
        """Finish the upload and check that the bucket holds exactly what was written."""
        if self._filling or not self._md5s:
            self._send()
        while self._in_flight:
            self._collect()
        assert self._upload_id is not None
        parts: list[Any] = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(self._etags, start=1)]
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, MultipartUpload={"Parts": parts}
        )
        self._upload_id = None
        uploaded = Uploaded(
            key=self._key,
            size_bytes=self._size_bytes,
            sha256=self._sha256.hexdigest(),
            etag=f"{hashlib.md5(b''.join(self._md5s), usedforsecurity=False).hexdigest()}-{len(self._md5s)}",
        )
        return check(self._client, self._bucket, uploaded)

    def _send(self) -> None:
        part = b"".join(self._filling)
        self._filling.clear()
        self._filled_bytes = 0
        number = len(self._etags) + len(self._in_flight) + 1
        while len(self._in_flight) >= _PARTS_IN_FLIGHT:
            self._collect()
        self._in_flight.append(self._pool.submit(self._upload_part, number, part))

    def _collect(self) -> None:
        etag, md5 = self._in_flight.popleft().result()
        self._etags.append(etag)
        self._md5s.append(md5)

    def _upload_part(self, number: int, part: bytes) -> tuple[str, bytes]:
        assert self._upload_id is not None
        md5 = hashlib.md5(part, usedforsecurity=False).digest()
        answer = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            PartNumber=number,
            Body=part,
            ContentMD5=base64.b64encode(md5).decode(),
        )
        return answer["ETag"], md5


def check(client: S3Client, bucket: str, expected: Uploaded) -> Uploaded:
    """Ask the bucket for the object's size and ETag; returns `expected` with the bucket's own ETag."""
    found = client.head_object(Bucket=bucket, Key=expected.key)
    etag = found["ETag"].strip('"')
    # under KMS encryption an ETag is no checksum
    is_checksum = found.get("ServerSideEncryption", "AES256") == "AES256"
    if found["ContentLength"] != expected.size_bytes or (is_checksum and etag != expected.etag):
        raise Unavailable(
            f"s3://{bucket}/{expected.key} holds {found['ContentLength']} bytes with ETag {etag},"
            f" expected {expected.size_bytes} bytes with ETag {expected.etag}"
        )
    return Uploaded(key=expected.key, size_bytes=expected.size_bytes, sha256=expected.sha256, etag=etag)


def missing_bucket(bucket: str, *, why: str) -> BadInput:
    """The error of a bucket that is not there or not ours."""
    return BadInput(
        f"the bucket {bucket} cannot be used",
        why=why,
        next_step="create the bucket, or correct the Variable data_bucket or the connection aws_conn; clear this task",
    )
