"""stack_exchange.upload: multipart uploads that are whole or not there."""

from __future__ import annotations

import hashlib
from random import Random
from typing import TYPE_CHECKING

import pytest
from stack_exchange.errors import Unavailable
from stack_exchange.upload import Upload, Uploaded, check

from .conftest import BUCKET, contents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize("size", [1, 100_000, 8 << 20, (8 << 20) + 1, 30_000_000])
def test_the_object_is_what_was_written(s3: S3Client, size: int) -> None:
    """With its size, checksum and ETag, whatever the number of parts."""
    content = Random(size).randbytes(size)

    with Upload(s3, BUCKET, "a/b.xml", expected_bytes=size) as upload:
        for start in range(0, size, 999_983):
            upload.write(content[start : start + 999_983])
        uploaded = upload.complete()

    assert contents(s3) == {"a/b.xml": content}
    assert uploaded.size_bytes == size
    assert uploaded.sha256 == hashlib.sha256(content).hexdigest()
    assert uploaded.etag == s3.head_object(Bucket=BUCKET, Key="a/b.xml")["ETag"].strip('"')


def test_parts_grow_with_the_object(s3: S3Client) -> None:
    """S3 allows 10,000 parts: 400 GB must fit."""
    upload = Upload(s3, BUCKET, "key", expected_bytes=400_000_000_000)

    assert 400_000_000_000 / upload._part_bytes < 10_000


def test_a_failure_leaves_no_object_and_no_upload(s3: S3Client) -> None:
    """An unfinished multipart upload would cost money for ever."""
    with pytest.raises(RuntimeError, match="broken"), Upload(s3, BUCKET, "key", expected_bytes=20_000_000) as upload:
        upload.write(bytes(9_000_000))
        raise RuntimeError("broken")

    assert contents(s3) == {}
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_an_object_that_differs_is_noticed(s3: S3Client) -> None:
    """Size and ETag are asked for after the upload."""
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"other")
    expected = Uploaded(key="key", size_bytes=5, sha256="", etag=hashlib.md5(b"right").hexdigest())

    with pytest.raises(Unavailable, match="s3://lake/key holds 5 bytes with ETag"):
        check(s3, BUCKET, expected)
