"""Find where a member begins in a solid bzip2 stream without unpacking all that lies before it.

A dump's members are one stream, and `PostHistory.xml`, which nobody wants, is larger than all others together.
bzip2's blocks can be unpacked one by one, and what is in a block shows from which member it comes: so a dozen of
them, halving the distance each time, lead to the member's beginning. Whether it really is the member is for its
checksum to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

from stack_exchange import bunzip

# the rows of Posts.xml and of the members that follow it; a quote or a `<` cannot be inside a value
_POSTS_OR_LATER = re.compile(
    rb'<posts>|<row Id="-?[0-9]+" (?:PostTypeId|TagName|Reputation|PostId="[0-9]+" VoteTypeId)='
)
_NEAR_BYTES = 1 << 20
_ROOT = b"<posts>"
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*>\s*$")
_LONGEST_PROLOG_BYTES = 200


def from_posts(file: BinaryIO, start: int, packed_bytes: int) -> Iterator[bytes] | None:
    """What a stream unpacks to from the first byte of Posts.xml on, or None if that cannot be found this way."""
    before, after = start, start + packed_bytes
    while after - before > _NEAR_BYTES:
        middle = (before + after) // 2
        block = next(_unpacked(file, middle, start + packed_bytes, threads=1), b"")
        if not block or _POSTS_OR_LATER.search(block):
            after = middle
        else:
            before = middle
    pieces = _unpacked(file, before, start + packed_bytes)
    window = b""
    for piece in pieces:
        window = window[-_LONGEST_PROLOG_BYTES:] + piece
        root = window.find(_ROOT)
        if root != -1 and (prolog := _PROLOG.search(window, max(0, root - _LONGEST_PROLOG_BYTES), root)):
            return chain([window[prolog.start() :]], pieces)
        if _POSTS_OR_LATER.search(window):
            return None
    return None


def reader(file: BinaryIO, start: int, end: int) -> Callable[[int], bytes]:
    """A `read` of just these bytes of the file; it shares the file's position with nobody else."""
    position = start

    def read(most: int) -> bytes:
        nonlocal position
        file.seek(position)
        data = file.read(min(most, end - position))
        position += len(data)
        return data

    return read


def _unpacked(file: BinaryIO, start: int, end: int, threads: int | None = None) -> Iterator[bytes]:
    return bunzip.decompress(reader(file, start, end), threads=threads, from_middle=True)
