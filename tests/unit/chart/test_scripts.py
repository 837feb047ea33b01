"""The scripts that the chart's Jobs run in Airflow's image: backups to S3, as far as they need no Airflow."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

CHART = Path(__file__).parents[3] / "chart"
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def load(name: str) -> ModuleType:
    """A script of the chart as a module."""
    spec = importlib.util.spec_from_file_location(f"chart_{name}", CHART / "files" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def backup() -> ModuleType:
    return load("backup")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")
        yield client


def test_a_backup_is_stored_under_its_time(backup: ModuleType, s3: Any, tmp_path: Path) -> None:
    """The key sorts by time, the object is the dump."""
    dump = tmp_path / "metadata.dump"
    dump.write_bytes(b"PGDMP" * 1000)

    key = backup.upload(s3, "bucket", "backups/metadata", dump, keep=3, now=NOON)

    assert key == "backups/metadata/20261124T120000Z.dump"
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == dump.read_bytes()


def test_only_the_newest_are_kept(backup: ModuleType, s3: Any, tmp_path: Path) -> None:
    """Older dumps go when a newer one has arrived; what is no dump stays."""
    dump = tmp_path / "metadata.dump"
    dump.write_bytes(b"x")
    s3.put_object(Bucket="bucket", Key="p/notes.txt", Body=b"mine")

    keys = [backup.upload(s3, "bucket", "p", dump, keep=2, now=NOON + dt.timedelta(days=day)) for day in range(4)]

    assert backup.dumps(s3, "bucket", "p") == keys[-2:]
    assert s3.head_object(Bucket="bucket", Key="p/notes.txt")["ContentLength"] == 4


def test_a_truncated_upload_deletes_nothing(backup: ModuleType, s3: Any, tmp_path: Path) -> None:
    """What arrived is checked by its size before older dumps go."""

    class Truncating:
        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def upload_file(self, file: str, bucket: str, key: str) -> None:
            s3.put_object(Bucket=bucket, Key=key, Body=Path(file).read_bytes()[:-1])

    dump = tmp_path / "metadata.dump"
    dump.write_bytes(b"whole")
    old = backup.upload(s3, "bucket", "p", dump, keep=1, now=NOON)

    with pytest.raises(SystemExit, match="has 4 bytes, the dump has 5"):
        backup.upload(Truncating(), "bucket", "p", dump, keep=1, now=NOON + dt.timedelta(days=1))

    assert old in backup.dumps(s3, "bucket", "p")


@pytest.mark.parametrize(("asked", "expected"), [("", b"second"), ("p/20261124T120000Z.dump", b"first")])
def test_a_restore_takes_the_newest_or_the_one_asked_for(
    backup: ModuleType, s3: Any, tmp_path: Path, asked: str, expected: bytes
) -> None:
    """An empty key means the newest dump."""
    dump, fetched = tmp_path / "metadata.dump", tmp_path / "fetched.dump"
    for hours, content in enumerate((b"first", b"second")):
        dump.write_bytes(content)
        backup.upload(s3, "bucket", "p", dump, keep=5, now=NOON + dt.timedelta(hours=hours))

    backup.download(s3, "bucket", "p", fetched, key=asked)

    assert fetched.read_bytes() == expected


def test_a_restore_without_a_backup_says_so(backup: ModuleType, s3: Any, tmp_path: Path) -> None:
    """One message with what to do, instead of a traceback."""
    with pytest.raises(SystemExit, match=r"no dump under s3://bucket/p/\nnext: run the backup Job"):
        backup.download(s3, "bucket", "p", tmp_path / "x", key="")


def test_a_secret_without_a_password_is_refused(tmp_path: Path) -> None:
    """The setup Job never makes a user with an empty password."""
    (tmp_path / "username").write_text("admin\n")
    (tmp_path / "password").write_text("\n")

    with pytest.raises(SystemExit, match="has no username or no password"):
        load("setup").ensure_user(tmp_path, role_name="Admin", reset_password=False)
