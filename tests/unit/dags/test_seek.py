"""stack_exchange.seek: the posts of a dump without unpacking what lies before them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from stack_exchange import bunzip, seek, unpack
from stack_exchange.errors import BadInput

from .conftest import HEAD, POSTS, USERS, extract, plain_archive


def history(size: int) -> bytes:
    """A PostHistory.xml of about that size."""
    random = Random(5)
    rows = [
        f'  <row Id="{number}" PostHistoryTypeId="2" Text="&lt;posts&gt; {random.randbytes(300).hex()}" />\r\n'
        for number in range(size // 660)
    ]
    return b'\xef\xbb\xbf<?xml version="1.0"?>\r\n<posthistory>\r\n' + "".join(rows).encode() + b"</posthistory>"


@pytest.fixture
def eager_to_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipping pays from 32 MB on; in a test, sooner."""
    monkeypatch.setattr(unpack, "_WORTH_SKIPPING_BYTES", 100_000)
    monkeypatch.setattr(seek, "_NEAR_BYTES", 400_000)


@pytest.mark.usefixtures("eager_to_skip")
@pytest.mark.parametrize("before", [200_000, 5_000_000])
@pytest.mark.parametrize("posts", [1, 40_000])
def test_begins_at_the_posts_without_unpacking_what_is_before(
    before: int, posts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostHistory.xml is most of a dump, and nobody wants it."""
    rows = b"".join(b'  <row Id="%d" PostTypeId="2" Body="%d" />\r\n' % (number, number**3) for number in range(posts))
    votes = b"".join(b'  <row Id="%d" PostId="%d" VoteTypeId="2" />\r\n' % (number, number) for number in range(30_000))
    members = {
        "PostHistory.xml": history(before),
        "Posts.xml": HEAD + b"<posts>\r\n" + rows + b"</posts>",
        "Tags.xml": HEAD + b"<tags>\r\n</tags>",
        "Users.xml": USERS,
        "Votes.xml": votes,
    }
    from_middle: list[bool] = []
    decompress = bunzip.decompress

    def noted(*arguments: Any, **options: Any) -> Iterator[bytes]:
        from_middle.append(options.get("from_middle", False))
        decompressed: Iterator[bytes] = decompress(*arguments, **options)
        return decompressed

    monkeypatch.setattr(bunzip, "decompress", noted)

    collected = extract(plain_archive(members))

    assert collected.content == {name: members[name] for name in ("Posts.xml", "Users.xml")}
    assert all(from_middle)


@pytest.mark.usefixtures("eager_to_skip")
@pytest.mark.parametrize(
    "order", [("Users.xml", "PostHistory.xml", "Posts.xml"), ("Posts.xml", "PostHistory.xml", "Users.xml")]
)
def test_members_in_another_order_are_found_too(order: tuple[str, ...]) -> None:
    """Whoever packs a dump again may sort otherwise."""
    members = {"Posts.xml": POSTS, "Users.xml": USERS, "PostHistory.xml": history(3_000_000)}

    collected = extract(plain_archive({name: members[name] for name in order}))

    assert collected.content == {"Posts.xml": POSTS, "Users.xml": USERS}


@pytest.mark.usefixtures("eager_to_skip")
def test_a_false_beginning_is_noticed() -> None:
    """Another member that looks like posts: the checksum tells, and all is unpacked from the beginning."""
    fake = HEAD + b"<posts>\r\n" + b'  <row Id="1" PostTypeId="1" />\r\n' * 90_000
    members = {"Aaa.xml": history(2_000_000), "Fake.xml": fake, "Posts.xml": POSTS, "Users.xml": USERS}

    collected = extract(plain_archive(members))

    assert collected.content == {"Posts.xml": POSTS, "Users.xml": USERS}


@pytest.mark.usefixtures("eager_to_skip")
@pytest.mark.parametrize("place", [0.5, 0.97])
def test_damage_is_noticed_when_skipping(place: float) -> None:
    """In what is wanted, that is."""
    members = {"PostHistory.xml": history(2_000_000), "Posts.xml": POSTS + history(1_000_000), "Users.xml": USERS}
    content = bytearray(plain_archive(members))
    content[int(len(content) * place)] ^= 1

    with pytest.raises(BadInput, match="the archive is damaged"):
        extract(bytes(content))
