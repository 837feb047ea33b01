"""Write a .7z as 7-Zip does with `-m0=bzip2`: one solid block, every member's CRC, nothing of this machine or hour.

py7zr stamps members with the current time and compresses with one thread; the same arguments must give the same bytes
here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from sandbox.archive import bzip2

_SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_FORMAT_VERSION = b"\x00\x04"
_BZIP2_CODER = b"\x01\x03\x04\x02\x02"  # one coder; an id of three bytes, no attributes
_END, _HEADER, _STREAMS, _FILES, _PACK, _UNPACK, _SUBSTREAMS = (
    0x00,
    0x01,
    0x04,
    0x05,
    0x06,
    0x07,
    0x08,
)
_SIZE, _CRC, _FOLDER, _UNPACK_SIZES, _STREAM_COUNT = 0x09, 0x0A, 0x0B, 0x0C, 0x0D
_NAMES, _MODIFIED, _ATTRIBUTES = 0x11, 0x14, 0x15
_ARCHIVE_ATTRIBUTE = 0x20
_WINDOWS_EPOCH_SECONDS = 11_644_473_600


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file of the archive; `chunks` is read once, when its turn comes, and must not be empty."""

    name: str
    chunks: Iterable[bytes]


@dataclass(frozen=True, kw_only=True)
class _Written:
    name: str
    size: int
    crc: int


def write(target: BinaryIO, members: Iterable[Member], *, modified: datetime) -> None:
    """Write the archive to a seekable `target`, holding no member in memory; `modified` must be aware."""
    target.write(bytes(32))
    written: list[_Written] = []
    packed_size = 0
    for chunk in bzip2.compress(_concatenated(members, written)):
        target.write(chunk)
        packed_size += len(chunk)
    header = _header(written, packed_size, modified)
    target.write(header)
    start = struct.pack("<QQI", packed_size, len(header), zlib.crc32(header))
    target.seek(0)
    target.write(_SIGNATURE + _FORMAT_VERSION + struct.pack("<I", zlib.crc32(start)) + start)


def _concatenated(members: Iterable[Member], written: list[_Written]) -> Iterator[bytes]:
    for member in members:
        size = crc = 0
        for chunk in member.chunks:
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
            yield chunk
        written.append(_Written(name=member.name, size=size, crc=crc))


def _header(written: list[_Written], packed_size: int, modified: datetime) -> bytes:
    count = len(written)
    sizes = [member.size for member in written]
    pack = bytes([_PACK]) + _number(0) + _number(1) + bytes([_SIZE]) + _number(packed_size) + bytes([_END])
    unpack = bytes([_UNPACK, _FOLDER]) + _number(1) + b"\x00" + _BZIP2_CODER
    unpack += bytes([_UNPACK_SIZES]) + _number(sum(sizes)) + bytes([_END])
    substreams = bytes([_SUBSTREAMS, _STREAM_COUNT]) + _number(count)
    substreams += bytes([_SIZE]) + b"".join(_number(size) for size in sizes[:-1])  # the last one is what remains
    substreams += bytes([_CRC, 1]) + b"".join(struct.pack("<I", member.crc) for member in written) + bytes([_END])
    ticks = int((modified.timestamp() + _WINDOWS_EPOCH_SECONDS) * 10_000_000)
    files = bytes([_FILES]) + _number(count)
    files += _property(
        _NAMES,
        b"\x00" + b"".join(member.name.encode("utf-16-le") + b"\x00\x00" for member in written),
    )
    files += _property(_MODIFIED, b"\x01\x00" + struct.pack("<Q", ticks) * count)
    files += _property(_ATTRIBUTES, b"\x01\x00" + struct.pack("<I", _ARCHIVE_ATTRIBUTE) * count) + bytes([_END])
    return bytes([_HEADER, _STREAMS]) + pack + unpack + substreams + bytes([_END]) + files + bytes([_END])


def _property(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + _number(len(data)) + data


def _number(value: int) -> bytes:
    """7z's variable-length integer: the leading ones of the first byte count the bytes that follow."""
    for extra in range(8):
        if value < 1 << (7 * (extra + 1)):
            first = (0xFF00 >> extra) & 0xFF | (value >> (8 * extra))
            return bytes([first]) + (value & ((1 << (8 * extra)) - 1)).to_bytes(extra, "little")
    return b"\xff" + value.to_bytes(8, "little")
