"""Decompress one bzip2 stream with several threads and little memory.

bzip2 is a sequence of blocks of at most 900 kB that start at any bit with a 48-bit mark. Each block is cut out,
wrapped as a stream of its own and decompressed by a thread (`bz2` releases the GIL); the results come back in order.
"""

from __future__ import annotations

import bz2
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

_BLOCK_MARK = 0x314159265359
_END_MARK = 0x177245385090
_MARK_BITS = 48
_READ_BYTES = 1 << 20
# a block of 900 kB that cannot be compressed grows by less than a third
_LONGEST_BLOCK_BYTES = 1_250_000
# a block unpacks to 900 kB, or to 46 MB when it is made of nothing but runs: those come in pieces
_PIECE_BYTES = 4 << 20


class CorruptStream(Exception):
    """The data is no bzip2 stream, or a damaged one."""


def decompress(
    read: Callable[[int], bytes], *, threads: int | None = None, from_middle: bool = False
) -> Iterator[bytes]:
    """Yield what the stream behind `read` unpacks to, in pieces of at most 4 MiB.

    With `from_middle`, `read` begins anywhere in a stream, and what is yielded begins with the next block.
    Every block is checked against its checksum. Dropped blocks are not noticed: whoever reads must know the size or a
    checksum of the whole.
    """
    count = threads or min(os.cpu_count() or 1, 8)
    waiting: deque[tuple[_Bits, Future[_Unpacked]]] = deque()
    spans = _spans(read, from_middle=from_middle)
    pool = ThreadPoolExecutor(count, thread_name_prefix="bunzip")
    try:
        for span in spans:
            waiting.append((span, pool.submit(_unpack, span)))
            if len(waiting) > count:
                yield from _next(waiting, spans)
        while waiting:
            yield from _next(waiting, spans)
    finally:
        pool.shutdown(cancel_futures=True)


def _next(waiting: deque[tuple[_Bits, Future[_Unpacked]]], spans: Iterator[_Bits]) -> Iterator[bytes]:
    span, future = waiting.popleft()
    try:
        yield from future.result()
    except (OSError, EOFError, ValueError):
        # the mark of a block may, once in 2**48 bits, stand inside another one: then the two spans are one block
        following = waiting.popleft()[0] if waiting else next(spans, None)
        if following is None:
            raise CorruptStream("a block of the bzip2 stream is damaged") from None
        try:
            yield from _unpack(span.followed_by(following))
        except (OSError, EOFError, ValueError):
            raise CorruptStream("a block of the bzip2 stream is damaged") from None


def _unpack(span: _Bits) -> _Unpacked:
    """Decompress one block; its checksum stands behind its mark, and is the checksum of a stream of only this block."""
    block = span.without_end()
    crc = (block.value >> (block.count - _MARK_BITS - 32)) & 0xFFFFFFFF
    stream = (((block.value << _MARK_BITS) | _END_MARK) << 32) | crc
    bits = block.count + _MARK_BITS + 32
    padding = -bits % 8
    decompressor = bz2.BZ2Decompressor()
    first = decompressor.decompress(b"BZh9" + (stream << padding).to_bytes((bits + padding) // 8, "big"), _PIECE_BYTES)
    return _Unpacked(first, decompressor)


def _spans(read: Callable[[int], bytes], *, from_middle: bool) -> Iterator[_Bits]:
    """Cut the stream at the marks of its blocks."""
    buffer = read(_READ_BYTES)
    if not from_middle and not buffer.startswith(b"BZh"):
        raise CorruptStream("no bzip2 stream")
    if not from_middle and buffer[4:10] == _END_MARK.to_bytes(6, "big"):
        return
    marks: deque[int] = deque()  # bit positions in the buffer
    searched = 0
    while True:
        marks.extend(sorted(set(_marks(buffer, searched)) - set(marks)))
        searched = max(0, len(buffer) - 6)
        while len(marks) > 1:
            start = marks.popleft()
            yield _Bits.cut(buffer, start, marks[0])
        kept = marks[0] // 8 if marks else searched
        if len(buffer) - kept > _LONGEST_BLOCK_BYTES + _READ_BYTES:
            raise CorruptStream("a block of the bzip2 stream has no end")
        data = read(_READ_BYTES)
        if not data:
            break
        buffer = buffer[kept:] + data
        searched -= kept
        marks = deque(mark - kept * 8 for mark in marks)
    if not marks:
        raise CorruptStream("a bzip2 stream without a block")
    last = _Bits.cut(buffer, marks[0], len(buffer) * 8)
    if last.end() is None:
        raise CorruptStream("the bzip2 stream is cut off")
    yield last


def _marks(buffer: bytes, start: int) -> Iterator[int]:
    """Bit positions of block marks that begin in `buffer[start:]`: eight searches, one for each bit of a byte."""
    for shift in range(8):
        # shifted by some bits, the mark covers seven bytes, the inner five of them fully
        pattern = _BLOCK_MARK << (8 - shift)
        inner = (pattern >> 8 & 0xFFFFFFFFFF).to_bytes(5, "big")
        head_mask = 0xFF >> shift
        tail_mask = 0xFF << (8 - shift) & 0xFF
        position = buffer.find(inner, start + 1)
        while position != -1:
            head = buffer[position - 1]
            tail = buffer[position + 5] if position + 5 < len(buffer) else None
            fits = head & head_mask == pattern >> 48 & head_mask
            if fits and (shift == 0 or (tail is not None and tail & tail_mask == pattern & tail_mask)):
                yield (position - 1) * 8 + shift
            position = buffer.find(inner, position + 1)


class _Unpacked:
    """The pieces of a block, the first already there."""

    def __init__(self, first: bytes, decompressor: bz2.BZ2Decompressor) -> None:
        self._first = first
        self._decompressor = decompressor

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        while not self._decompressor.eof:
            piece = self._decompressor.decompress(b"", _PIECE_BYTES)
            if not piece and self._decompressor.needs_input:
                raise EOFError("a block without its end")
            yield piece


@dataclass(frozen=True, kw_only=True)
class _Bits:
    """A string of bits as a number, the first bit the highest."""

    value: int
    count: int

    @classmethod
    def cut(cls, buffer: bytes, start: int, end: int) -> _Bits:
        number = int.from_bytes(buffer[start // 8 : (end + 7) // 8], "big") >> (-end % 8)
        return cls(value=number & ((1 << (end - start)) - 1), count=end - start)

    def followed_by(self, other: _Bits) -> _Bits:
        return _Bits(value=(self.value << other.count) | other.value, count=self.count + other.count)

    def end(self) -> int | None:
        """How many bits from the back the end mark stands, if it does: before padding or before another stream."""
        tail = self.value & ((1 << (8 + 32 + 32 + _MARK_BITS)) - 1)
        for padding in range(8):
            for behind in (padding + 32, padding + 32 + 32):
                if (tail >> behind) & ((1 << _MARK_BITS) - 1) == _END_MARK:
                    return behind + _MARK_BITS
        return None

    def without_end(self) -> _Bits:
        end = self.end()
        return self if end is None else _Bits(value=self.value >> end, count=self.count - end)
