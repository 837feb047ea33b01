"""Plain Python in volumes, over an S3 in this process."""

# the functions of os, glob and builtins are what is tested
# ruff: noqa: PTH102, PTH103, PTH104, PTH106, PTH107, PTH110, PTH112, PTH113, PTH123, PTH202, PTH207, PTH208, SIM115

from __future__ import annotations

import glob
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sandbox.databricks_stub.kernel.dbutils_fs import FileSystem
from sandbox.databricks_stub.kernel.volumes import patches, system
from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths
from sandbox.databricks_stub.kernel.volumes.remote import VolumeFiles
from sandbox.databricks_stub.kernel.volumes.system import VolumeSystem

VOLUME = "/Volumes/projects/default/v"
FOLDER_VOLUME = "/Volumes/projects/default/folder"


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Any]:
    """A bucket behind a volume that this process sees; Python's functions are put back afterwards."""
    (tmp_path / "folder").mkdir()
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="an-id", aws_secret_access_key="a-key")
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="raw/a.txt", Body=b"one\n")
        client.put_object(Bucket="bucket", Key="raw/sub/b.csv", Body=b"x\n1\n")
        paths = VolumePaths({VOLUME: "s3://bucket/raw/", FOLDER_VOLUME: str(tmp_path / "folder")})
        files = VolumeFiles(copies=tmp_path / "copies", client=lambda: client)
        patches.install(VolumeSystem(paths, files))
        yield client
    for (module, name), original in system.originals.items():
        setattr(module, name, original)
    system.originals.clear()


def keys(s3: Any) -> list[str]:
    """What is in the bucket."""
    return [item["Key"] for item in s3.list_objects_v2(Bucket="bucket").get("Contents", ())]


def test_files_are_read_and_never_stale(s3: Any) -> None:
    """A file is read from S3, and again when it has changed there; an unchanged one is not fetched twice."""
    assert Path(VOLUME, "a.txt").read_text(encoding="utf-8") == "one\n"
    s3.put_object(Bucket="bucket", Key="raw/a.txt", Body=b"two\n")

    with open(f"{VOLUME}/a.txt", encoding="utf-8") as file:
        assert file.read() == "two\n"


def test_an_unchanged_file_is_fetched_once(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of a file serves as long as the object is the same."""
    Path(VOLUME, "a.txt").read_bytes()
    monkeypatch.setattr(s3, "get_object", None)

    assert Path(VOLUME, "a.txt").read_bytes() == b"one\n"


def test_folders_are_listed(s3: Any) -> None:
    """listdir, walk, glob and pathlib see what is in S3, and the names above the volumes."""
    assert os.listdir(VOLUME) == ["a.txt", "sub"]
    assert [(folder, names) for folder, _, names in os.walk(VOLUME)] == [
        (VOLUME, ["a.txt"]),
        (f"{VOLUME}/sub", ["b.csv"]),
    ]
    assert glob.glob(f"{VOLUME}/**/*.csv", recursive=True) == [f"{VOLUME}/sub/b.csv"]
    assert sorted(path.name for path in Path(VOLUME).rglob("*")) == ["a.txt", "b.csv", "sub"]
    assert [path.name for path in Path(VOLUME).glob("sub/*.csv")] == ["b.csv"]
    assert [path.name for path in Path(VOLUME).glob("*.txt")] == ["a.txt"]
    assert [path.name for path in Path(VOLUME).glob("sub")] == ["sub"]
    assert sorted(path.name for path in Path(VOLUME).iterdir()) == ["a.txt", "sub"]
    assert os.listdir("/Volumes/projects/default") == ["folder", "v"]


def test_files_are_told_from_folders(s3: Any) -> None:
    """os.path knows files, folders, sizes and what is not there."""
    assert os.path.isfile(f"{VOLUME}/a.txt")
    assert os.path.getsize(f"{VOLUME}/a.txt") == 4
    assert os.path.isdir(f"{VOLUME}/sub")
    assert os.path.isdir("/Volumes/projects")
    assert not os.path.exists(f"{VOLUME}/nope")
    assert not os.path.exists("/Volumes/projects/default/nope")


def test_what_is_written_is_there_when_it_is_closed(s3: Any) -> None:
    """A new file becomes an object when it is closed, not before."""
    with open(f"{VOLUME}/sub/new.bin", "wb") as file:
        file.write(b"12")
        assert "raw/sub/new.bin" not in keys(s3)

    assert s3.get_object(Bucket="bucket", Key="raw/sub/new.bin")["Body"].read() == b"12"
    assert not list(Path(patches.current().files.copies).glob("draft-*"))


@pytest.mark.parametrize("buffering", [-1, 0])
def test_what_could_not_be_written_is_not_uploaded(s3: Any, buffering: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the object stays as it was, the draft goes, and closing the file is an error, too."""
    folder = Path(patches.current().files.copies) / "draft-full"
    folder.mkdir(parents=True)
    (folder / "a.txt").symlink_to("/dev/full")
    monkeypatch.setattr(patches.current().files, "draft", lambda name: folder / name)
    file = open(f"{VOLUME}/a.txt", "wb", buffering)

    with pytest.raises(OSError, match="No space left on device"):
        file.write(b"half of it")
        file.flush()
    with pytest.raises(OSError, match=f"No space left on device, so the file was not uploaded: '{VOLUME}/a.txt'"):
        file.close()

    assert s3.get_object(Bucket="bucket", Key="raw/a.txt")["Body"].read() == b"one\n"
    assert not folder.exists()
    assert Path("/dev/full").exists()


@pytest.mark.parametrize(
    ("path", "mode", "error"),
    [
        ("nope.txt", "r", FileNotFoundError),
        ("sub", "r", IsADirectoryError),
        ("sub", "w", IsADirectoryError),
        ("nope/new.txt", "w", FileNotFoundError),
        ("a.txt", "x", FileExistsError),
        ("a.txt", "a", io.UnsupportedOperation),
        ("a.txt", "r+", io.UnsupportedOperation),
    ],
)
def test_open_fails_as_it_does_on_databricks(s3: Any, path: str, mode: str, error: type[OSError]) -> None:
    """Missing files and folders, folders opened as files, and writes in the middle of files are errors."""
    expected: type[OSError] = OSError if error is io.UnsupportedOperation else error

    with pytest.raises(expected, match=path.partition("/")[0]):
        open(f"{VOLUME}/{path}", mode, encoding="utf-8")


def test_files_are_copied_moved_and_removed(s3: Any, tmp_path: Path) -> None:
    """shutil and os work within a volume, into it and out of it."""
    os.makedirs(f"{VOLUME}/x/y")
    shutil.copy2(f"{VOLUME}/a.txt", tmp_path / "here.txt")
    shutil.move(tmp_path / "here.txt", f"{VOLUME}/x/y/c.txt")
    shutil.copytree(f"{VOLUME}/x", f"{VOLUME}/z")
    os.rename(f"{VOLUME}/z", f"{VOLUME}/zz")
    shutil.rmtree(f"{VOLUME}/x")
    os.remove(f"{VOLUME}/a.txt")

    assert not (tmp_path / "here.txt").exists()
    assert [key for key in keys(s3) if not key.endswith("/")] == ["raw/sub/b.csv", "raw/zz/y/c.txt"]


def test_a_folder_that_is_not_empty_stays(s3: Any) -> None:
    """rmdir removes empty folders only."""
    os.mkdir(f"{VOLUME}/empty")

    os.rmdir(f"{VOLUME}/empty")

    assert not os.path.exists(f"{VOLUME}/empty")
    with pytest.raises(OSError, match="not empty"):
        os.rmdir(f"{VOLUME}/sub")


def test_a_volume_may_be_a_folder(s3: Any, tmp_path: Path) -> None:
    """A volume over a folder of this machine is that folder."""
    Path(FOLDER_VOLUME, "f.txt").write_text("x", encoding="utf-8")

    assert (tmp_path / "folder" / "f.txt").read_text(encoding="utf-8") == "x"
    assert os.listdir(FOLDER_VOLUME) == ["f.txt"]


def test_other_paths_are_left_alone(s3: Any, tmp_path: Path) -> None:
    """Files elsewhere, descriptors and paths in bytes work as ever."""
    (tmp_path / "x").write_bytes(b"1")
    descriptor = os.open(tmp_path / "x", os.O_RDONLY)

    with open(descriptor, "rb") as file:
        assert file.read() == b"1"
    assert b"x" in os.listdir(os.fsencode(tmp_path))
    assert not os.path.exists("/VolumesX")


def test_dbutils_reaches_buckets_by_their_names(s3: Any, tmp_path: Path) -> None:
    """dbutils.fs lists, reads, writes, copies, moves and removes objects; nothing lands on this machine."""
    fs = FileSystem(tmp_path / "dbfs")

    fs.put("s3a://bucket/raw/sub/new.txt", "text")
    fs.cp("s3://bucket/raw/a.txt", f"{VOLUME}/sub/copy.txt")
    fs.mv("s3://bucket/raw/sub/b.csv", "s3://bucket/raw/c.csv")

    assert [(item.path, item.size) for item in fs.ls("s3://bucket/raw")] == [
        ("s3://bucket/raw/a.txt", 4),
        ("s3://bucket/raw/c.csv", 4),
        ("s3://bucket/raw/sub/", 0),
    ]
    assert fs.head("s3://bucket/raw/sub/copy.txt") == "one\n"
    assert fs.rm("s3://bucket/raw", recurse=True)
    assert keys(s3) == []
    assert not (tmp_path / "dbfs").exists()
    with pytest.raises(FileNotFoundError, match="s3://bucket/raw"):
        fs.ls("s3://bucket/raw")


def test_buckets_are_no_volumes_of_plain_python(s3: Any) -> None:
    """Listings of the volumes do not show what dbutils uses."""
    assert os.listdir("/Volumes") == ["projects"]
