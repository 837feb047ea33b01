"""Compress to one bzip2 stream with several threads, byte-identical however many there are.

bzip2 is a sequence of independent blocks at bit positions. Each piece of input becomes exactly one block, compressed
on its own (`bz2` releases the GIL), and the blocks are joined bit by bit, as 7-Zip's encoder does.
"""

from __future__ import annotations

import bz2
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

# bzip2's first step turns 4 equal bytes into 5: a piece of this size fits one block of 900 kB whatever is in it
PIECE_BYTES = 715_000
_HEADER_BITS = 32
_FOOTER_MAGIC = 0x177245385090
_FOOTER_BITS = 80


def compress(chunks: Iterable[bytes], *, threads: int | None = None) -> Iterator[bytes]:
    """Yield one bzip2 stream (level 9) of all `chunks`."""
    count = threads or os.cpu_count() or 1
    writer = _BitWriter()
    yield b"BZh9"
    combined_crc = 0
    with ThreadPoolExecutor(count, thread_name_prefix="bzip2") as pool:
        for block in _in_order(pool, _pieces(chunks), count):
            combined_crc = ((combined_crc << 1) | (combined_crc >> 31)) & 0xFFFFFFFF
            combined_crc ^= block.crc
            yield writer.add(block.bits, block.bit_count)
    yield writer.add((_FOOTER_MAGIC << 32) | combined_crc, _FOOTER_BITS)
    yield writer.finish()


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= PIECE_BYTES:
            yield bytes(buffer[:PIECE_BYTES])
            del buffer[:PIECE_BYTES]
    if buffer:
        yield bytes(buffer)


def _in_order(pool: ThreadPoolExecutor, pieces: Iterable[bytes], threads: int) -> Iterator[_Block]:
    waiting: deque[Future[_Block]] = deque()
    for piece in pieces:
        waiting.append(pool.submit(_block, piece))
        if len(waiting) > threads:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _block(piece: bytes) -> _Block:
    stream = bz2.compress(piece, 9)
    value = int.from_bytes(stream, "big")
    for padding in range(8):
        if (value >> (padding + 32)) & 0xFFFFFFFFFFFF == _FOOTER_MAGIC:
            break
    else:  # pragma: no cover - every bzip2 stream ends so
        raise ValueError("a bzip2 stream without its end mark")
    bit_count = len(stream) * 8 - padding - _HEADER_BITS - _FOOTER_BITS
    bits = (value >> (padding + _FOOTER_BITS)) & ((1 << bit_count) - 1)
    # of a stream with one block, the stream's checksum is the block's
    return _Block(bits=bits, bit_count=bit_count, crc=(value >> padding) & 0xFFFFFFFF)


@dataclass(frozen=True, kw_only=True)
class _Block:
    bits: int
    bit_count: int
    crc: int


class _BitWriter:
    """Joins bit strings; keeps less than a byte between two calls."""

    def __init__(self) -> None:
        self._bits = 0
        self._count = 0

    def add(self, bits: int, count: int) -> bytes:
        total = self._count + count
        value = (self._bits << count) | bits
        rest = total % 8
        self._bits = value & ((1 << rest) - 1)
        self._count = rest
        return (value >> rest).to_bytes(total // 8, "big")

    def finish(self) -> bytes:
        return self.add(0, 8 - self._count) if self._count else b""
