"""stack_exchange.bunzip: bzip2 by several threads."""

from __future__ import annotations

import bz2
import io
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from stack_exchange import bunzip


def unpack(stream: bytes, threads: int = 3) -> bytes:
    return b"".join(bunzip.decompress(io.BytesIO(stream).read, threads=threads))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"word " * 300_000,
        Random(1).randbytes(1_000_000),
        bytes(5_000_000),
        b"".join(str(number).encode() for number in range(700_000)),
    ],
    ids=["nothing", "one byte", "words", "noise", "one long run", "many blocks"],
)
@pytest.mark.parametrize("level", [1, 9])
def test_unpacks_what_bz2_packed(content: bytes, level: int) -> None:
    """Whatever is in it, and however long its blocks are."""
    assert unpack(bz2.compress(content, level)) == content


def test_unpacks_streams_that_follow_each_other() -> None:
    """As `cat a.bz2 b.bz2` makes them."""
    first, second = b"one " * 400_000, b"two " * 10

    assert unpack(bz2.compress(first) + bz2.compress(second)) == first + second


@pytest.mark.parametrize("offset", range(0, 40, 5))
def test_finds_a_mark_wherever_a_read_ends(offset: int) -> None:
    """A mark may be cut by the end of what was read so far."""
    content = Random(offset).randbytes(600_000)
    stream = bz2.compress(content, 1)
    file = io.BytesIO(stream)
    sizes = iter([1000 + offset])

    unpacked = b"".join(bunzip.decompress(lambda most: file.read(min(most, next(sizes, 37_001 + offset)))))

    assert unpacked == content


def test_a_run_comes_in_pieces() -> None:
    """A block that unpacks to 46 MB is never in memory as a whole."""
    pieces = [len(piece) for piece in bunzip.decompress(io.BytesIO(bz2.compress(bytes(50_000_000))).read)]

    assert sum(pieces) == 50_000_000
    assert max(pieces) <= 4 << 20


@pytest.mark.parametrize("position", [10, 200, 150_000, -60])
def test_notices_a_changed_bit(position: int) -> None:
    """Every block has a checksum."""
    stream = bytearray(bz2.compress(Random(2).randbytes(300_000)))
    stream[position] ^= 4

    with pytest.raises(bunzip.CorruptStream):
        unpack(bytes(stream))


@pytest.mark.parametrize("kept", [0, 3, 4, 100, 150_000, -1, -9])
def test_notices_a_missing_end(kept: int) -> None:
    """A cut-off stream is an error, not a short one."""
    stream = bz2.compress(Random(3).randbytes(300_000))

    with pytest.raises(bunzip.CorruptStream):
        unpack(stream[:kept])


def test_notices_that_it_is_no_bzip2() -> None:
    """Other bytes are an error too."""
    with pytest.raises(bunzip.CorruptStream, match="no bzip2 stream"):
        unpack(b"<html>")


def test_a_block_cut_in_two_by_a_chance_mark_is_joined() -> None:
    """Once in 2**48 bits a block's data looks like the beginning of the next one."""
    content = Random(4).randbytes(20_000)
    stream = bz2.compress(content)
    start, end = 4 * 8, len(stream) * 8
    middle = start + 77_777
    halves = [bunzip._Bits.cut(stream, start, middle), bunzip._Bits.cut(stream, middle, end)]

    with ThreadPoolExecutor(1) as pool:
        waiting = deque([(halves[0], pool.submit(bunzip._unpack, halves[0]))])
        unpacked = b"".join(bunzip._next(waiting, iter(halves[1:])))

    assert unpacked == content
