"""Check the XML of a dump while it streams by, and count its rows.

A dump is one `<row …/>` a line. Of a piece of whole lines the values are taken out; what remains of each line is one
of a few hundred shapes, each judged once, and the values are judged by searches over the whole piece: three times as
fast as a parser. Whatever does not look like that goes to a real parser (expat), which then judges all that follows.
Both refuse the same things: XML that is not well-formed, document types and entities of one's own, and a root other
than expected.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from stack_exchange.errors import BadInput

_PIECE_BYTES = 128 << 10  # fits the processor's cache: twice as fast as a megabyte
_LONGEST_ROW_BYTES = 16 << 20
_LONGEST_PROLOG_BYTES = 64 << 10
_MOST_SHAPES = 20_000
_LEGAL = bytes(code for code in range(256) if code >= 0x20 or code in b"\t\n\r")
_NO_CHARACTER = re.compile(b"\xef\xbf[\xbe\xbf]")  # U+FFFE and U+FFFF
# a reference other than to the five named entities or to a character that XML allows
_ODD_REFERENCE = re.compile(
    rb"&(?!(?:lt|gt|amp|quot|apos"
    rb"|#x(?:[9AD]|[2-9A-F][0-9A-F]|[1-9A-C][0-9A-F]{2,3}|E[0-9A-F]{3}|[1-9A-F][0-9A-F]{4})"
    rb"|#(?:9|10|13|3[2-9]|[4-9][0-9]|[1-9][0-9]{2,3}));)"
)
_SHAPE = re.compile(rb'[ \t]*<row((?: [A-Za-z_][A-Za-z0-9_]*=")*) ?/>\r?')


class RowChecker:
    """Fed with the bytes of one member; raises BadInput at the first thing that is wrong."""

    def __init__(self, name: str, *, root: str) -> None:
        self.rows = 0
        self._name = name
        self._root = root
        self._buffer = bytearray()
        self._in_rows = False
        self._strict = False
        self._shapes: set[bytes] = {b""}
        self._lines_skipped = 0
        self._depth = 0
        self._bytes_since_element = 0
        self._parser = self._new_parser()

    def feed(self, data: bytes) -> None:
        """Check the next bytes."""
        with memoryview(data) as view:
            for start in range(0, len(view), _PIECE_BYTES):
                self._buffer += view[start : start + _PIECE_BYTES]
                if len(self._buffer) >= _PIECE_BYTES or self._strict:
                    self._check_buffer()

    def _check_buffer(self) -> None:
        if not self._in_rows and not self._strict:
            self._leave_prolog()
        if self._strict:
            self._parse(bytes(self._buffer))
            self._buffer.clear()
        elif self._in_rows:
            self._whole_lines()

    def close(self) -> int:
        """Check the end; returns the number of rows."""
        if not self._in_rows and not self._strict:
            self._leave_prolog()
        if self._in_rows and not self._strict:
            self._whole_lines()
        self._parse(bytes(self._buffer), final=True)
        return self.rows

    def _leave_prolog(self) -> None:
        """Give everything before the first row to the parser, which knows the root element from then on."""
        start = self._buffer.find(b"<row ")
        if start == -1 or start > _LONGEST_PROLOG_BYTES:
            self._strict = True
            return
        start = self._buffer.rfind(b"\n", 0, start) + 1
        self._parse(bytes(self._buffer[:start]))
        del self._buffer[:start]
        # anything but the root element alone, in UTF-8, is the parser's business
        self._in_rows = self._depth == 1
        self._strict = self._strict or not self._in_rows

    def _whole_lines(self) -> None:
        end = self._buffer.rfind(b"/>\r\n") + 4
        if end < 4:
            end = self._buffer.rfind(b"/>\n") + 3
            if end < 3:
                if len(self._buffer) > _LONGEST_ROW_BYTES:
                    raise self._bad(f"a row is longer than {_LONGEST_ROW_BYTES >> 20} MiB")
                return
        with memoryview(self._buffer) as view:
            piece = bytes(view[:end])
        del self._buffer[:end]
        rows = self._plain_rows(piece)
        if rows is None:
            self._strict = True
            self._parse(piece)
        else:
            self.rows += rows
            self._lines_skipped += rows

    def _plain_rows(self, piece: bytes) -> int | None:
        """The number of rows of a piece that is one well-formed row a line, or None when a parser must tell."""
        if piece.translate(None, _LEGAL) or _ODD_REFERENCE.search(piece) or _NO_CHARACTER.search(piece):
            return None
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError:
            return None
        # every second part between quotes is a value; what remains of a line ends each name with one quote
        lines = b'"'.join(piece.split(b'"')[::2]).split(b"\n")
        for shape in set(lines) - self._shapes:
            if not _is_row(shape):
                return None
            if len(self._shapes) < _MOST_SHAPES:
                self._shapes.add(shape)
        rows = len(lines) - 1
        # every shape has one `<`: more of them stand in values, where none may
        return rows if not lines[-1] and b"" not in lines[:-1] and piece.count(b"<") == rows else None

    def _parse(self, data: bytes, *, final: bool = False) -> None:
        if not self._strict:
            # rows that the parser has not seen leave it where it was: inside the root element
            self._bytes_since_element = 0
        self._bytes_since_element += len(data)
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            line = self._parser.ErrorLineNumber + self._lines_skipped
            raise self._bad(f"{expat.errors.messages[error.code]}, line {line}") from None
        except (LookupError, ValueError) as error:  # how pyexpat says that it does not know the encoding
            raise self._bad(str(error)) from None
        if self._bytes_since_element > _LONGEST_ROW_BYTES:
            raise self._bad(f"a row is longer than {_LONGEST_ROW_BYTES >> 20} MiB")

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        return parser

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        self._strict = self._strict or (encoding or "utf-8").lower() != "utf-8"

    def _doctype(self, *_: object) -> None:
        raise self._bad("it declares a document type, which no dump does and which can hide entities", well_formed=True)

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._bytes_since_element = 0
        if self._depth == 0 and name != self._root:
            raise self._bad(f"its root element is <{name}>, not <{self._root}>", well_formed=True)
        self.rows += self._depth == 1 and name == "row"
        self._depth += 1

    def _end(self, _: str) -> None:
        self._depth -= 1

    def _bad(self, why: str, *, well_formed: bool = False) -> BadInput:
        return BadInput(
            f"{self._name} is not {'a dump' if well_formed else 'well-formed XML'}",
            why=why,
            next_step="check the archive (7z x, xmllint); nothing was published, the last good data stays",
        )


def _is_row(shape: bytes) -> bool:
    match = _SHAPE.fullmatch(shape)
    if match is None:
        return False
    names = match[1].split()
    return len(names) == len(set(names))
