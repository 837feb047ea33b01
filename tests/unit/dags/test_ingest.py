"""stack_exchange.ingest and .snapshots: from the host to a published snapshot; bad input changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack_exchange import ingest, snapshots
from stack_exchange.errors import BadInput, Unavailable

from .conftest import BUCKET, HEAD, NOW, POSTS, USERS, Host, archive, contents, files_xml

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from stack_exchange.settings import Settings
    from stack_exchange.snapshots import Manifest

Make = Callable[..., "Settings"]


def run(s3: S3Client, host: Host, settings: Settings, *, days: int = 0, force: bool = False) -> Manifest | None:
    """What the DAG's tasks do, one after the other; None when there is nothing new."""
    client = host.client()
    found = ingest.find_new_archive(s3, client, settings, force=force)
    if found is None:
        return None
    manifest = ingest.ingest(s3, client, settings, found, now=NOW + timedelta(days=days))
    travelled = snapshots.Manifest.from_json(json.loads(json.dumps(manifest.to_json())))
    snapshots.publish(s3, settings, travelled)
    return travelled


def test_publishes_both_files_with_all_that_is_known_of_them(s3: S3Client, host: Host, make_settings: Make) -> None:
    """Objects, manifest and the extras of the assets agree."""
    manifest = run(s3, host, make_settings())

    assert manifest is not None
    objects = contents(s3)
    posts = manifest.files["posts"]
    assert manifest.snapshot.startswith("20260102T030405Z-")
    assert set(objects) == {posts.key, manifest.files["users"].key, "raw/current.json"}
    assert posts.key == f"raw/site.example/{manifest.snapshot}/Posts.xml"
    assert posts.volume_path == posts.key.removeprefix("raw/")
    assert posts.uri == f"s3://lake/{posts.key}"
    assert (posts.rows, manifest.files["users"].rows) == (300, 60)
    assert posts.size_bytes == len(objects[posts.key])
    assert posts.sha256 == hashlib.sha256(objects[posts.key]).hexdigest()
    assert json.loads(objects["raw/current.json"]) == manifest.to_json()
    assert manifest.extra("posts")["volume_path"] == posts.volume_path
    assert manifest.extra("users")["snapshot"] == manifest.snapshot


def test_does_nothing_when_the_archive_has_not_changed(s3: S3Client, host: Host, make_settings: Make) -> None:
    """Unless forced, or the archive or the site is another one, or an object is missing."""
    settings = make_settings()
    first = run(s3, host, settings)
    assert first is not None

    assert run(s3, host, settings, days=1) is None
    assert run(s3, host, settings, days=2, force=True) is not None
    host.files["site.example.7z"] = archive({"Posts.xml": POSTS, "Users.xml": USERS})
    third = run(s3, host, settings, days=3)
    assert third is not None
    host.files["other.example.7z"] = host.files["site.example.7z"]
    assert run(s3, host, make_settings(site="other.example"), days=4) is not None
    fifth = run(s3, host, settings, days=5)
    assert fifth is not None
    s3.delete_object(Bucket=BUCKET, Key=fifth.files["users"].key)
    assert run(s3, host, settings, days=6) is not None
    s3.put_object(Bucket=BUCKET, Key="raw/current.json", Body=b"{}")
    assert run(s3, host, settings, days=7) is not None


BAD_ARCHIVES = {
    "not a 7z": (b"<html>", "is not a .7z archive"),
    "empty": (b"", "the archive is empty"),
    "truncated": (archive({"Posts.xml": POSTS, "Users.xml": USERS})[:-30], "is truncated"),
    "without users": (archive({"Posts.xml": POSTS}), "lacks Users.xml"),
    "empty member": (archive({"Posts.xml": POSTS, "Users.xml": b""}), "Users.xml is empty"),
    "no rows": (
        archive({"Posts.xml": POSTS, "Users.xml": b"<users>\r\n</users>"}),
        r"Users.xml is empty: it has no <row>",
    ),
    "broken xml": (
        archive({"Posts.xml": POSTS.replace(b"</posts>", b'<row Id="\r\n</posts>'), "Users.xml": USERS}),
        "Posts.xml is not well-formed XML: .*, line 5",
    ),
    "broken xml in the second file": (
        archive({"Posts.xml": POSTS, "Users.xml": USERS.replace(b"</users>", b"</posts>")}),
        "Users.xml is not well-formed XML: mismatched tag, line 5",
    ),
    "dtd": (
        archive({"Posts.xml": b"<!DOCTYPE posts [<!ENTITY x 'y'>]>" + POSTS[len(HEAD) :], "Users.xml": USERS}),
        "Posts.xml is not a dump: it declares a document type",
    ),
    "bomb": (archive({"Posts.xml": POSTS + b" " * 9_000_000, "Users.xml": USERS}), "looks like a zip bomb"),
    "posts are users": (archive({"Posts.xml": USERS, "Users.xml": USERS}), "its root element is <users>, not <posts>"),
}


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_bad_input_leaves_the_last_good_data(
    s3: S3Client, host: Host, make_settings: Make, tmp_path: Path, case: str
) -> None:
    """One clear message; the bucket is as before, no upload is left open, the temporary folder is empty."""
    settings = make_settings()
    run(s3, host, settings)
    before = contents(s3)
    host.files["site.example.7z"], message = BAD_ARCHIVES[case]

    with pytest.raises(BadInput, match=message) as caught:
        run(s3, host, settings, days=1)

    assert "Next: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(s3) == before
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_checksum_leaves_the_last_good_data(s3: S3Client, host: Host, make_settings: Make) -> None:
    """The host's list is believed more than the bytes."""
    run(s3, host, make_settings())
    before = contents(s3)
    host.files["stackexchange_files.xml"] = files_xml("site.example.7z", b"other")

    with pytest.raises(BadInput, match=r"the checksum of .* is wrong"):
        run(s3, host, make_settings(), days=1, force=True)

    assert contents(s3) == before


def test_no_archive_and_no_bucket(s3: S3Client, host: Host, make_settings: Make) -> None:
    """Both are told before anything is downloaded."""
    with pytest.raises(BadInput, match=r"there is no archive .*nosuch\.example\.7z: the host answers HTTP 404"):
        run(s3, host, make_settings(site="nosuch.example"))
    with pytest.raises(BadInput, match="the bucket nosuch cannot be used: it does not exist"):
        run(s3, host, make_settings(bucket="nosuch"))


def test_a_bucket_that_vanishes_meanwhile(s3: S3Client, host: Host, make_settings: Make) -> None:
    """Between the check and the upload."""
    found = ingest.find_new_archive(s3, host.client(), make_settings(), force=False)
    assert found is not None
    s3.delete_bucket(Bucket=BUCKET)

    with pytest.raises(BadInput, match=r"the bucket lake cannot be used: .*NoSuchBucket"):
        ingest.ingest(s3, host.client(), make_settings(), found, now=NOW)


def test_files_that_changed_before_publishing_are_not_published(s3: S3Client, host: Host, make_settings: Make) -> None:
    """The manifest never names what is not there."""
    settings = make_settings()
    found = ingest.find_new_archive(s3, host.client(), settings, force=False)
    assert found is not None
    manifest = ingest.ingest(s3, host.client(), settings, found, now=NOW)
    s3.put_object(Bucket=BUCKET, Key=manifest.files["users"].key, Body=b"other")

    with pytest.raises(Unavailable, match=r"Users\.xml is not \(or no longer\) what was uploaded"):
        snapshots.publish(s3, settings, manifest)

    assert "raw/current.json" not in contents(s3)


def test_keeps_the_last_snapshots(s3: S3Client, host: Host, make_settings: Make) -> None:
    """As many as the setting says, the current one among them; other sites' and newer ones stay."""
    settings = make_settings(keep_snapshots=2)
    published = [run(s3, host, settings, days=day, force=True) for day in range(4)]
    s3.put_object(Bucket=BUCKET, Key="raw/site.example/29990101T000000Z-x/Posts.xml", Body=b"on its way")
    s3.put_object(Bucket=BUCKET, Key="raw/other.example/20000101T000000Z-x/Posts.xml", Body=b"another site")

    removed = snapshots.remove_old(s3, settings, now=NOW)

    assert removed == [manifest.snapshot for manifest in published[:2] if manifest]
    left = {key.split("/")[2] for key in contents(s3) if key.count("/") == 3}
    kept = {manifest.snapshot for manifest in published[2:] if manifest}
    assert left == kept | {"29990101T000000Z-x", "20000101T000000Z-x"}


def test_aborts_uploads_that_were_killed_long_ago(s3: S3Client, host: Host, make_settings: Make) -> None:
    """Those of the last day may be somebody's."""
    run(s3, host, make_settings())
    key = "raw/site.example/20200101T000000Z-x/Posts.xml"
    s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    started = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["Initiated"]

    snapshots.remove_old(s3, make_settings(), now=started + timedelta(hours=23))
    assert len(s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]) == 1
    snapshots.remove_old(s3, make_settings(), now=started + timedelta(hours=25))
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
