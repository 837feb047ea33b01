"""stack_exchange.unpack: good archives of every method, and hostile ones."""

from __future__ import annotations

import io
import struct
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from shutil import which

import py7zr
import pytest
from stack_exchange import unpack
from stack_exchange.errors import BadInput
from stack_exchange.members import Member
from stack_exchange.unpack import Limits

from .conftest import BZIP2, LIMITS, POSTS, USERS, Collected, archive, extract, plain_archive

NOISE = Random(1).randbytes(600_000)
METHODS = {
    "bzip2": BZIP2,
    "lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "lzma": [{"id": py7zr.FILTER_LZMA}],
    "deflate": [{"id": py7zr.FILTER_DEFLATE}],
    "copy": [{"id": py7zr.FILTER_COPY}],
    "bcj and lzma2": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
}


@pytest.mark.parametrize("method", METHODS)
def test_reads_every_method(method: str) -> None:
    """Dumps are bzip2, but whoever packs one again may use another."""
    members = {
        "Badges.xml": NOISE,
        "Posts.xml": POSTS + NOISE,
        "Tags.xml": b"x",
        "Users.xml": USERS,
        "Votes.xml": NOISE,
    }

    collected = extract(archive(members, filters=METHODS[method]))

    assert collected.content == {"Posts.xml": POSTS + NOISE, "Users.xml": USERS}


def test_reads_a_generated_dump(sample: Path) -> None:
    """As the generator packs it."""
    collected = extract(sample.read_bytes())

    assert collected.content["Posts.xml"].count(b"<row ") == 300
    assert collected.content["Users.xml"].count(b"<row ") == 60


@pytest.mark.skipif(which("7z") is None, reason="no 7z here")
@pytest.mark.parametrize("solid", ["on", "off"])
@pytest.mark.parametrize("method", ["bzip2", "lzma2", "ppmd"])
def test_reads_what_7_zip_packs(tmp_path: Path, method: str, solid: str) -> None:
    """With one block for all members, and with a block for each."""
    for name, content in {"Badges.xml": NOISE, "Posts.xml": POSTS * 9000, "Users.xml": USERS}.items():
        (tmp_path / name).write_bytes(content)
    packed = tmp_path / "packed.7z"
    subprocess.run(
        ["7z", "a", f"-m0={method}", f"-ms={solid}", packed, *sorted(tmp_path.glob("*.xml"))],
        check=True,
        capture_output=True,
    )

    collected = extract(packed.read_bytes())

    assert collected.content == {"Posts.xml": POSTS * 9000, "Users.xml": USERS}


GOOD = archive({"Posts.xml": POSTS, "Users.xml": USERS})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the archive is empty: it has 0 bytes"),
        (b"<html>503 Service Unavailable</html>", "is not a .7z archive: it begins with b'<html>503"),
        (GOOD[:20], "the archive is truncated: it has only 20 bytes"),
        (GOOD[:-1], "the archive is truncated: it has .* bytes of the"),
        (GOOD[:40], "the archive is truncated"),
        (GOOD[:12] + b"\xff" + GOOD[13:], "the archive is damaged: the checksum of its first 32 bytes is wrong"),
        (GOOD[:-5] + b"\xff" + GOOD[-4:], "the archive is damaged: its directory is unreadable"),
        (archive({"Posts.xml": POSTS}), "the archive lacks Users.xml: its members are Posts.xml"),
        (
            archive({"posts.xml": POSTS, "Users.xml": USERS}),
            "the archive lacks Posts.xml: its members are Users.xml, posts",
        ),
        (archive({"a/Posts.xml": POSTS, "a/Users.xml": USERS}), "the archive lacks Posts.xml and Users.xml"),
        (archive({"Posts.xml": POSTS, "Users.xml": b""}), "the archive's Users.xml is empty: it has 0 bytes"),
        (archive({"Posts.xml": b"", "Users.xml": b""}), "the archive's Posts.xml is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_what_is_no_dump(content: bytes, message: str) -> None:
    """With one clear message, before anything is unpacked."""
    with pytest.raises(BadInput, match=message):
        extract(content)


@pytest.mark.parametrize(
    "name", ["../Posts.xml", "a/../../etc/passwd", "/etc/passwd", "C:\\Windows\\x", "..\\x", "\\\\host\\share"]
)
def test_refuses_members_that_lead_out_of_their_folder(name: str) -> None:
    """Even beside good ones: nobody packs such an archive by mistake."""
    content = plain_archive({"Posts.xml": POSTS, "Users.xml": USERS, name: b"evil"})

    with pytest.raises(BadInput, match=r"the archive is hostile: its member .* would be written outside of its folder"):
        extract(content)


def test_refuses_members_that_are_links(tmp_path: Path) -> None:
    """A link's content is the name of another file."""
    (tmp_path / "Users.xml").write_bytes(USERS)
    (tmp_path / "Posts.xml").symlink_to("Users.xml")
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", filters=BZIP2) as opened:
        opened.write(tmp_path / "Posts.xml", "Posts.xml")
        opened.write(tmp_path / "Users.xml", "Users.xml")

    with pytest.raises(BadInput, match=r"its member 'Posts.xml' is a link"):
        extract(target.getvalue())


def test_refuses_two_members_of_one_name() -> None:
    """Which of them would be the posts?"""
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", filters=BZIP2) as opened:
        for content in (POSTS, USERS):
            opened.writef(io.BytesIO(content), "Posts.xml")

    with pytest.raises(BadInput, match=r"two members are called Posts\.xml"):
        extract(target.getvalue())


def test_refuses_an_encrypted_archive() -> None:
    """There is no password to try."""
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", password="secret") as opened:
        opened.writef(io.BytesIO(POSTS), "Posts.xml")
        opened.writef(io.BytesIO(USERS), "Users.xml")

    with pytest.raises(BadInput, match="the archive is encrypted"):
        extract(target.getvalue())


@pytest.mark.parametrize("method", ["bzip2", "lzma2"])
def test_refuses_a_bomb_by_what_it_declares(method: str) -> None:
    """By ratio and by size, both of them settings, in members that are not even wanted too."""
    bomb = archive({"Badges.xml": bytes(20_000_000), "Posts.xml": POSTS, "Users.xml": USERS}, filters=METHODS[method])

    with pytest.raises(
        BadInput, match=r"looks like a zip bomb: \d+ bytes would become 20000\d+.*stack_exchange_max_ratio"
    ):
        extract(bomb)
    with pytest.raises(BadInput, match=r"unpack to too much: .* more than the 1000000 of stack_exchange_max_unpacked"):
        extract(bomb, Limits(max_unpacked_bytes=1_000_000, max_ratio=10**9))


@pytest.mark.parametrize("method", ["bzip2", "lzma2", "deflate", "copy"])
@pytest.mark.parametrize("place", [40, 200_000, -400])
def test_refuses_damaged_content(method: str, place: int) -> None:
    """A flipped byte anywhere in the packed data; no sink ends well with wrong bytes."""
    content = bytearray(
        archive({"Posts.xml": POSTS + NOISE[:400_000], "Users.xml": USERS + NOISE}, filters=METHODS[method])
    )
    content[place] ^= 0x55
    collected = Collected()

    with pytest.raises(BadInput, match="the archive is damaged"):
        unpack.extract(io.BytesIO(bytes(content)), ["Posts.xml", "Users.xml"], collected.open, limits=LIMITS)

    assert all(POSTS + NOISE[:400_000] == value for value in collected.content.values())


def test_a_directory_that_lies_about_sizes_is_noticed() -> None:
    """Users.xml begins where the directory says that Posts.xml ends: the checksums do not fit any more."""
    content = bytearray(plain_archive({"Posts.xml": POSTS, "Users.xml": USERS}))
    offset, size = struct.unpack("<QQ", content[12:28])
    directory = content[32 + offset : 32 + offset + size]
    directory[directory.index(bytes([0x09, len(POSTS)])) + 1] -= 1
    content[32 + offset : 32 + offset + size] = directory
    content[28:32] = struct.pack("<I", zlib.crc32(directory))
    content[8:12] = struct.pack("<I", zlib.crc32(content[12:32]))

    with pytest.raises(BadInput, match="the archive is damaged"):
        extract(bytes(content))


def test_the_error_of_a_sink_comes_through() -> None:
    """A broken upload is not the archive's fault."""

    @contextmanager
    def full(member: Member) -> Iterator[io.BytesIO]:
        yield io.BytesIO()
        raise ConnectionError("bucket gone")

    for method in ("bzip2", "lzma2"):
        content = archive({"Posts.xml": POSTS, "Users.xml": USERS}, filters=METHODS[method])
        with pytest.raises(ConnectionError, match="bucket gone"):
            unpack.extract(io.BytesIO(content), ["Posts.xml", "Users.xml"], full, limits=LIMITS)
