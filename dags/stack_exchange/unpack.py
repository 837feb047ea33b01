"""Stream the wanted members out of a .7z that may be hostile: no member is ever whole in memory or on disk.

py7zr reads the directory. What the dumps use (bzip2 alone) is unpacked by `bunzip`, with all processors and bounded
memory; every other method by py7zr itself.
"""

from __future__ import annotations

import logging
import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from stack_exchange import bunzip, by_py7zr, seek
from stack_exchange.errors import BadInput
from stack_exchange.members import NEXT_STEP, Member, OpenSink, Sink, damaged

log = logging.getLogger(__name__)

_SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_LARGEST_DIRECTORY_BYTES = 64 << 20
_BZIP2 = b"\x04\x02\x02"
_WORTH_SKIPPING_BYTES = 32 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may unpack to."""

    max_unpacked_bytes: int
    max_ratio: int


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A solid block: one bzip2 stream that holds `members` one after the other."""

    start: int
    packed_bytes: int
    members: tuple[Member, ...]


def extract(file: BinaryIO, wanted: Iterable[str], open_sink: OpenSink, *, limits: Limits) -> None:
    """Stream each wanted member into the sink that `open_sink` gives; raises BadInput for anything suspicious."""
    import py7zr

    names = tuple(wanted)
    archive_bytes = _check_start(file)
    try:
        archive = py7zr.SevenZipFile(file)
        members = _members(archive)
        encrypted = archive.needs_password()
    except py7zr.exceptions.PasswordRequired:
        encrypted, members = True, {}
    except Exception as error:
        raise BadInput(
            "the archive is damaged", why=f"its directory is unreadable ({error!r})", next_step=NEXT_STEP
        ) from error
    if encrypted:
        raise BadInput("the archive is encrypted", why="dumps are not, and there is no password", next_step=NEXT_STEP)
    _check_members(archive, members, names)
    _check_sizes(members.values(), archive_bytes, limits)
    try:
        blocks = _bzip2_blocks(archive)
        if blocks is not None:
            for block in blocks:
                if any(member.name in names for member in block.members):
                    _extract_block(file, block, names, open_sink)
        else:
            by_py7zr.extract(archive, {name: members[name] for name in names}, open_sink)
    except bunzip.CorruptStream as error:
        raise damaged(str(error)) from error


def _check_start(file: BinaryIO) -> int:
    """Look at the first 32 bytes, which say where the directory is; returns the archive's size."""
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(32)
    file.seek(0)
    if size == 0:
        raise BadInput("the archive is empty", why="it has 0 bytes", next_step=NEXT_STEP)
    if not start.startswith(_SIGNATURE):
        raise BadInput("the download is not a .7z archive", why=f"it begins with {start[:16]!r}", next_step=NEXT_STEP)
    if len(start) < 32:
        raise BadInput("the archive is truncated", why=f"it has only {size} bytes", next_step=NEXT_STEP)
    crc, offset, length = struct.unpack("<8xIQQ", start[:28])
    if zlib.crc32(start[12:]) != crc:
        raise BadInput("the archive is damaged", why="the checksum of its first 32 bytes is wrong", next_step=NEXT_STEP)
    if 32 + offset + length > size:
        raise BadInput(
            "the archive is truncated",
            why=f"it has {size} bytes of the {32 + offset + length} that it says it has",
            next_step=NEXT_STEP,
        )
    if length > _LARGEST_DIRECTORY_BYTES:
        raise BadInput("the archive is damaged", why=f"its directory would be {length} bytes long", next_step=NEXT_STEP)
    return size


def _members(archive: Any) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for entry in archive.files:
        if entry.is_directory:
            continue
        if entry.filename in found:
            raise ValueError(f"two members are called {entry.filename}")
        crc = entry.crc32 if not entry.emptystream else None
        found[entry.filename] = Member(name=entry.filename, size=int(entry.uncompressed or 0), crc=crc)
    return found


def _check_members(archive: Any, members: dict[str, Member], wanted: Iterable[str]) -> None:
    for entry in archive.files:
        name = entry.filename
        if (
            name.startswith(("/", "\\"))
            or re.match(r"[A-Za-z]:", name)
            or ".." in re.split(r"[/\\]", name)
            or "\0" in name
        ):
            raise BadInput(
                "the archive is hostile",
                why=f"its member {name!r} would be written outside of its folder",
                next_step=NEXT_STEP,
            )
        if name in wanted and (entry.is_symlink or entry.is_junction or entry.is_directory):
            raise BadInput(
                "the archive is hostile", why=f"its member {name!r} is a link or a folder", next_step=NEXT_STEP
            )
    if absent := sorted(set(wanted) - members.keys()):
        raise BadInput(
            f"the archive lacks {' and '.join(absent)}",
            why=f"its members are {', '.join(sorted(members)[:20]) or 'none at all'}",
            next_step="check that this is the dump of a whole site; nothing was published, the last good data stays",
        )
    for name in wanted:
        if members[name].size == 0:
            raise BadInput(f"the archive's {name} is empty", why="it has 0 bytes", next_step=NEXT_STEP)


def _check_sizes(members: Iterable[Member], archive_bytes: int, limits: Limits) -> None:
    unpacked = sum(member.size for member in members)
    if unpacked > limits.max_unpacked_bytes:
        raise BadInput(
            "the archive would unpack to too much",
            why=f"{unpacked} bytes, more than the {limits.max_unpacked_bytes} of stack_exchange_max_unpacked_bytes",
            next_step="if the dump really is that large, raise the Variable and clear this task",
        )
    if unpacked > limits.max_ratio * archive_bytes:
        raise BadInput(
            "the archive looks like a zip bomb",
            why=f"{archive_bytes} bytes would become {unpacked}, more than the {limits.max_ratio} times of"
            " stack_exchange_max_ratio",
            next_step="if the dump really is like that, raise the Variable and clear this task",
        )


def _bzip2_blocks(archive: Any) -> list[_Block] | None:
    """The archive's solid blocks if bzip2 alone packed all of them, else None."""
    streams = getattr(archive.header, "main_streams", None)
    if streams is None:
        return None
    blocks = []
    position = archive.afterheader + streams.packinfo.packpos
    for folder, packed_size in zip(streams.unpackinfo.folders, streams.packinfo.packsizes, strict=False):
        if [coder["method"] for coder in folder.coders] != [_BZIP2] or folder.files is None:
            return None
        members = tuple(
            Member(name=entry.filename, size=int(entry.uncompressed), crc=entry.crc32) for entry in folder.files
        )
        blocks.append(_Block(start=position, packed_bytes=packed_size, members=members))
        position += packed_size
    return blocks


def _extract_block(file: BinaryIO, block: _Block, wanted: Iterable[str], open_sink: OpenSink) -> None:
    """Unpack the wanted members of a block, from the first of them on if it can be found, else from the beginning."""
    numbers = [number for number, member in enumerate(block.members) if member.name in wanted]
    members = block.members[numbers[0] : numbers[-1] + 1]
    skipped = sum(member.size for member in block.members[: numbers[0]])
    if members[0].name == "Posts.xml" and skipped > _WORTH_SKIPPING_BYTES:
        try:
            pieces = seek.from_posts(file, block.start, block.packed_bytes)
            if pieces is not None:
                return _copy_members(_Pieces(pieces), members, wanted, open_sink)
        except (_WrongPlace, bunzip.CorruptStream) as error:
            log.info("cannot begin at Posts.xml (%s): unpacking from the beginning", error)
    whole = bunzip.decompress(seek.reader(file, block.start, block.start + block.packed_bytes))
    pieces_of_all = _Pieces(whole)
    pieces_of_all.skip(skipped)
    try:
        return _copy_members(pieces_of_all, members, wanted, open_sink)
    except _WrongPlace as error:
        raise damaged(str(error)) from error


def _copy_members(pieces: _Pieces, members: Iterable[Member], wanted: Iterable[str], open_sink: OpenSink) -> None:
    for member in members:
        if member.name not in wanted:
            pieces.skip(member.size)
            continue
        with open_sink(member) as sink:
            crc = pieces.copy(member.size, sink)
            if member.crc is not None and crc != member.crc:
                raise _WrongPlace(f"{member.name} has the checksum {crc:08x}, not {member.crc:08x}")


class _WrongPlace(Exception):
    """What was copied is not the member: the archive is damaged, or the copy began somewhere else."""


class _Pieces:
    """Cuts the pieces of a stream at the ends of members."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def skip(self, size: int) -> None:
        while size:
            size -= len(self._take(size))

    def copy(self, size: int, sink: Sink) -> int:
        crc = 0
        while size:
            piece = self._take(size)
            crc = zlib.crc32(piece, crc)
            sink.write(piece)
            size -= len(piece)
        return crc

    def _take(self, most: int) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                raise bunzip.CorruptStream("it unpacks to less than its directory says")
            self._rest = piece
        taken, self._rest = self._rest[:most], self._rest[most:]
        return taken
