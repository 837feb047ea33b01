"""Unpack members with py7zr: every method that dumps do not use, one thread, streaming."""

from __future__ import annotations

import lzma
import struct
import zlib

import py7zr
from py7zr.io import Py7zIO, WriterFactory

from stack_exchange.members import Member, OpenSink, damaged

_DAMAGE = (py7zr.exceptions.ArchiveError, lzma.LZMAError, zlib.error, struct.error, EOFError, ValueError)


def extract(archive: py7zr.SevenZipFile, wanted: dict[str, Member], open_sink: OpenSink) -> None:
    """Stream each wanted member into its sink; raises BadInput when the archive is damaged."""
    writers = _Writers(wanted, open_sink)
    try:
        archive.extract(targets=list(wanted), factory=writers)
        writers.finish()
    except BaseException as error:
        writers.give_up(error)
        if isinstance(error, _DAMAGE):
            raise damaged(f"it does not unpack ({error})") from error
        raise


class _Writers(WriterFactory):
    """Opens a writer when py7zr begins a member; the next one's beginning is the last one's end."""

    def __init__(self, wanted: dict[str, Member], open_sink: OpenSink) -> None:
        self._wanted = wanted
        self._open_sink = open_sink
        self._current: _Writer | None = None

    def create(self, filename: str) -> Py7zIO:
        self.finish()
        # py7zr turns the name into a path; wanted members lie at the top
        member = self._wanted[filename.replace("\\", "/").rsplit("/", 1)[-1]]
        self._current = _Writer(member, self._open_sink)
        return self._current

    def finish(self) -> None:
        """End the current member, if it is what the directory says."""
        writer = self._current
        if writer is not None:
            writer.check()
            self._current = None
            writer.context.__exit__(None, None, None)

    def give_up(self, error: BaseException) -> None:
        """End the current member as a failure."""
        writer, self._current = self._current, None
        if writer is not None:
            writer.context.__exit__(type(error), error, error.__traceback__)


class _Writer(Py7zIO):
    """Hands what py7zr writes to a sink."""

    def __init__(self, member: Member, open_sink: OpenSink) -> None:
        self.context = open_sink(member)
        self._sink = self.context.__enter__()
        self._member = member
        self._written = 0
        self._crc = 0

    def check(self) -> None:
        if self._written != self._member.size:
            raise damaged(f"{self._member.name} has {self._written} bytes, not {self._member.size}")
        if self._member.crc is not None and self._crc != self._member.crc:
            raise damaged(f"{self._member.name} has the checksum {self._crc:08x}, not {self._member.crc:08x}")

    def write(self, s: bytes | bytearray) -> int:
        self._written += len(s)
        if self._written > self._member.size:
            raise damaged(f"{self._member.name} unpacks to more than the directory says")
        self._crc = zlib.crc32(s, self._crc)
        self._sink.write(bytes(s))
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        return None

    def size(self) -> int:
        return self._written
