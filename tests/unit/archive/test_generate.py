"""sandbox.archive.generate: dumps in the real format, with every oddity, the same bytes every time."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from shutil import which

import py7zr
import pytest

from sandbox.archive.generate import generate
from sandbox.errors import ConfigurationError
from tests import truth

MEMBERS = ["Badges.xml", "Comments.xml", "PostHistory.xml", "PostLinks.xml", "Posts.xml", "Tags.xml", "Users.xml"]
POST_ORDER = [
    *("Id", "PostTypeId", "AcceptedAnswerId", "ParentId", "CreationDate", "Score", "ViewCount", "Body"),
    *("OwnerUserId", "OwnerDisplayName", "LastEditorUserId", "LastEditorDisplayName", "LastEditDate"),
    *("LastActivityDate", "Title", "Tags", "AnswerCount", "CommentCount", "FavoriteCount", "ClosedDate"),
    *("CommunityOwnedDate", "TrendingScore", "ContentLicense"),
]


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated dump."""
    folder = tmp_path_factory.mktemp("dump")
    return generate(folder / "site.7z", site="site", posts=1500, users=300, seed=3)


@pytest.fixture(scope="module")
def unpacked(dump: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its members."""
    folder = tmp_path_factory.mktemp("unpacked")
    with py7zr.SevenZipFile(dump) as opened:
        opened.extractall(folder)
    return folder


def test_the_same_arguments_make_the_same_bytes(dump: Path, tmp_path: Path) -> None:
    """On every machine and at every hour; another seed makes others."""
    again = generate(tmp_path / "again.7z", site="site", posts=1500, users=300, seed=3)
    other = generate(tmp_path / "other.7z", site="site", posts=1500, users=300, seed=4)

    assert again.read_bytes() == dump.read_bytes()
    assert other.read_bytes() != dump.read_bytes()


def test_the_bytes_do_not_change_between_releases(tmp_path: Path) -> None:
    """Whoever recorded a result of a generated dump can compare with it later."""
    path = generate(tmp_path / "x.7z", site="x", posts=50, users=10, seed=1)
    with py7zr.SevenZipFile(path) as opened:
        opened.extract(tmp_path, targets=["Posts.xml"])

    assert hashlib.sha256((tmp_path / "Posts.xml").read_bytes()).hexdigest() == POSTS_SHA256


POSTS_SHA256 = "4467e469db0dd21374afce3647c773c34e77988d9525e5f588d4cd29eb9cc77a"


def test_is_packed_as_the_real_ones(dump: Path) -> None:
    """One solid bzip2 block with the eight members of a site."""
    with py7zr.SevenZipFile(dump) as opened:
        information = opened.archiveinfo()
        names = opened.namelist()
        intact = opened.testzip()

    assert names == [*MEMBERS, "Votes.xml"]
    assert information.method_names == ["BZip2"]
    assert information.solid
    assert information.blocks == 1
    assert intact is None


@pytest.mark.skipif(which("7z") is None, reason="no 7z here")
def test_7_zip_finds_nothing_wrong(dump: Path) -> None:
    """The reference implementation reads it."""
    done = subprocess.run(["7z", "t", dump], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout


@pytest.mark.parametrize("name", [*MEMBERS, "Votes.xml"])
def test_members_are_written_as_in_the_real_ones(unpacked: Path, name: str) -> None:
    """UTF-8 with BOM, CRLF, one two-space `<row … />` a line."""
    content = (unpacked / name).read_bytes()
    root = name.removesuffix(".xml").lower().encode()
    lines = content.split(b"\r\n")

    assert content.startswith(b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n<' + root + b">\r\n  <row Id=")
    assert content.endswith(b"/>\r\n</" + root + b">")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert all(line.startswith(b"  <row ") and line.endswith(b'" />') for line in lines[2:-1])


def test_posts_have_their_attributes_in_the_order_of_the_dumps(unpacked: Path) -> None:
    """Those that a row has, that is: hardly two rows have the same."""
    rows = list(truth.rows(unpacked / "Posts.xml"))

    assert all(list(row) == [name for name in POST_ORDER if name in row] for row in rows)
    assert {name for row in rows for name in row} == set(POST_ORDER)


def test_posts_have_every_oddity(unpacked: Path) -> None:
    """What has broken pipelines before."""
    rows = list(truth.rows(unpacked / "Posts.xml"))
    users = {row["Id"] for row in truth.rows(unpacked / "Users.xml")}
    tags = [row["Tags"] for row in rows if "Tags" in row]
    ids = [int(row["Id"]) for row in rows]

    assert len(rows) == 1500
    assert {str(number) for number in range(1, 9)} <= {row["PostTypeId"] for row in rows}
    assert "99" in {row["PostTypeId"] for row in rows}
    assert ids == sorted(set(ids))
    assert ids[-1] > len(ids), "deleted posts leave gaps"
    assert any(row.get("OwnerUserId") == "-1" for row in rows)
    assert any("OwnerUserId" not in row and "OwnerDisplayName" in row for row in rows)
    assert any(row.get("OwnerUserId", "-1") not in users for row in rows), "owners whose account is gone"
    assert any(tag.startswith("<") for tag in tags)
    assert any(tag.startswith("|") for tag in tags)
    assert any("🚀" in row["Body"] and "\n" in row["Body"] for row in rows)
    assert any("\r\n" in row["Body"] for row in rows)
    assert any(row["Body"] == "" for row in rows)
    assert any("ContentLicense" not in row for row in rows)


def test_answers_belong_to_questions(unpacked: Path) -> None:
    """ParentId and AcceptedAnswerId point where they should."""
    rows = {row["Id"]: row for row in truth.rows(unpacked / "Posts.xml")}

    for row in rows.values():
        if row["PostTypeId"] == "2":
            assert rows[row["ParentId"]]["PostTypeId"] == "1"
        if "AcceptedAnswerId" in row:
            assert rows[row["AcceptedAnswerId"]]["ParentId"] == row["Id"]


def test_users_have_their_oddities(unpacked: Path) -> None:
    """The Community user, names that look like nothing, attributes that come and go."""
    rows = list(truth.rows(unpacked / "Users.xml"))

    assert len(rows) == 300
    assert rows[0]["Id"] == "-1"
    assert len({row["Id"] for row in rows}) == 300
    assert {"null", "NULL", "  spaced ", "<script>"} <= {row["DisplayName"] for row in rows}
    assert any("AccountId" not in row for row in rows)
    assert any("ProfileImageUrl" in row for row in rows)


def test_tags_are_counted(unpacked: Path) -> None:
    """Tags.xml agrees with the posts."""
    counted = {row["TagName"]: int(row["Count"]) for row in truth.rows(unpacked / "Tags.xml")}

    assert counted == truth.of_xml(unpacked / "Posts.xml", unpacked / "Users.xml").tags


@pytest.mark.parametrize(("style", "first"), [("angle", "<"), ("pipe", "|")])
def test_the_spelling_of_tags_can_be_chosen(tmp_path: Path, style: str, first: str) -> None:
    """Dumps before 2024, and since."""
    path = generate(tmp_path / "x.7z", site="x", posts=60, users=5, seed=1, tag_style=style)
    with py7zr.SevenZipFile(path) as opened:
        opened.extract(tmp_path, targets=["Posts.xml"])

    assert {row["Tags"][0] for row in truth.rows(tmp_path / "Posts.xml") if "Tags" in row} == {first}


@pytest.mark.parametrize(("posts", "users"), [(0, 0), (1, 0), (0, 1), (3, 1)])
def test_very_small_dumps_are_dumps(tmp_path: Path, posts: int, users: int) -> None:
    """Down to nothing at all."""
    found = truth.of_archive(generate(tmp_path / "x.7z", site="x", posts=posts, users=users, seed=1))

    assert (found.posts, found.users) == (posts, users)


def test_nothing_is_left_when_it_fails(tmp_path: Path) -> None:
    """No half archive that a mirror might serve."""
    with pytest.raises(ConfigurationError, match="cannot generate -1 posts"):
        generate(tmp_path / "x.7z", site="x", posts=-1, users=1, seed=1)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("site", ["../elsewhere", "a b", "", "/etc/passwd", ".hidden", "x/y"])
def test_refuses_what_names_no_site(tmp_path: Path, site: str) -> None:
    """The site names the file: it must not lead out of the mirror's folder."""
    with pytest.raises(ConfigurationError, match="is not the name of a site"):
        generate(tmp_path / "x.7z", site=site, posts=1, users=1, seed=1)

    assert list(tmp_path.iterdir()) == []
