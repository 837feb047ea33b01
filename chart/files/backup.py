"""Moves dumps of the metadata database between a volume and S3: `upload`, `download` or `list`.

Runs in the Airflow image, beside a container that has pg_dump and pg_restore. The bucket is reached by an Airflow
connection. An upload is checked by its size before older dumps are deleted.
"""

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Any


def client() -> Any:
    """An S3 client of the configured Airflow connection."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    return S3Hook(aws_conn_id=os.environ["BACKUP_CONNECTION"]).get_conn()


def dumps(s3: Any, bucket: str, prefix: str) -> list[str]:
    """The keys of all dumps, oldest first: their names sort by time."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    return sorted(key for key in keys if key.endswith(".dump"))


def upload(s3: Any, bucket: str, prefix: str, file: Path, *, keep: int, now: dt.datetime) -> str:
    """Store the dump, check what arrived, delete all but the newest `keep`; returns its key."""
    key = f"{prefix}/{now:%Y%m%dT%H%M%SZ}.dump"
    size = file.stat().st_size
    s3.upload_file(str(file), bucket, key)
    stored = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    if stored != size:
        raise SystemExit(
            f"error: s3://{bucket}/{key} has {stored} bytes, the dump has {size}; no older one was deleted"
        )
    for old in dumps(s3, bucket, prefix)[:-keep]:
        s3.delete_object(Bucket=bucket, Key=old)
    return key


def download(s3: Any, bucket: str, prefix: str, file: Path, *, key: str) -> str:
    """Fetch the dump `key`, or the newest one when it is empty; returns its key."""
    if not key:
        found = dumps(s3, bucket, prefix)
        if not found:
            raise SystemExit(f"error: there is no dump under s3://{bucket}/{prefix}/\nnext: run the backup Job first")
        key = found[-1]
    s3.download_file(bucket, key, str(file))
    return key


def main(action: str) -> None:
    """Do what `action` says, with the settings of the environment."""
    bucket, prefix = os.environ["BACKUP_BUCKET"], os.environ["BACKUP_PREFIX"].strip("/")
    file = Path(os.environ.get("BACKUP_FILE", ""))
    s3 = client()
    if action == "upload":
        now = dt.datetime.now(dt.UTC)
        key = upload(s3, bucket, prefix, file, keep=int(os.environ["BACKUP_KEEP"]), now=now)
        sys.stdout.write(f"stored s3://{bucket}/{key}, {file.stat().st_size} bytes\n")
    elif action == "download":
        key = download(s3, bucket, prefix, file, key=os.environ.get("BACKUP_KEY", ""))
        sys.stdout.write(f"restoring s3://{bucket}/{key}, {file.stat().st_size} bytes\n")
    elif action == "list":
        sys.stdout.write("".join(f"{key}\n" for key in dumps(s3, bucket, prefix)))
    else:
        raise SystemExit(f"error: unknown action {action!r}\nnext: upload, download or list")


if __name__ == "__main__":
    main(sys.argv[1])
