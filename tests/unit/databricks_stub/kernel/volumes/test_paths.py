"""Volume paths."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths

VOLUME = "/Volumes/projects/default/my_volume"
PATHS = VolumePaths({VOLUME: "s3://bucket/raw/", "/Volumes/projects/other/folder": "/tmp/some where"})


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        (f"{VOLUME}/a/b.csv", "s3://bucket/raw/a/b.csv"),
        (f"dbfs:{VOLUME}/a/*.csv", "s3://bucket/raw/a/*.csv"),
        (VOLUME, "s3://bucket/raw/"),
        (f"{VOLUME}/a/", "s3://bucket/raw/a/"),
        (f"{VOLUME}/a//b/../c", "s3://bucket/raw/a/c"),
        ("/Volumes/projects/other/folder/x", "/tmp/some where/x"),
        ("s3://elsewhere/x", "s3://elsewhere/x"),
        ("/tmp/x", "/tmp/x"),
        ("file:/tmp/x", "/tmp/x"),
        ("dbfs:/tmp/x", "dbfs:/tmp/x"),
    ],
)
def test_a_path_is_resolved(path: str, resolved: str) -> None:
    """A path in a volume is the place behind it; every other path stays."""
    assert PATHS.resolve(path) == resolved


@pytest.mark.parametrize("path", ["/Volumes/projects/default/my_volume2/x", f"{VOLUME}/../nope/x", "/Volumes/a"])
def test_an_unknown_volume_is_an_error(path: str) -> None:
    """A path in no volume says so and names the volumes; nothing leads out of a volume."""
    with pytest.raises(FileNotFoundError, match="my_volume"):
        PATHS.resolve(path)


def test_what_is_above_the_volumes_can_be_listed() -> None:
    """/Volumes, catalogs and schemas have the names that volumes give them."""
    assert PATHS.below("/Volumes") == ["projects"]
    assert PATHS.below("/Volumes/projects/") == ["default", "other"]
    assert PATHS.below("/Volumes/projects/default") == ["my_volume"]
    assert PATHS.below("/Volumes/nope") is None
    assert PATHS.below("/tmp") is None


def test_a_place_knows_its_object() -> None:
    """A place in S3 has a bucket and a key."""
    place = PATHS.find(f"{VOLUME}/a/b")

    assert place is not None
    assert (place.bucket, place.key, place.is_remote) == ("bucket", "raw/a/b", True)
