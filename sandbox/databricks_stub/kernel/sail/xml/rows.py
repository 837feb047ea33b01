"""Rows of XML, one after another and in constant memory: expat over chunks of bytes. Standard library only.

A row is a dict of attributes and child elements. A child is text, or a dict when it has attributes or children itself,
or a Repeated list when it comes several times. A row that is broken is a Corrupt, and reading goes on with the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias
from xml.parsers import expat

from sandbox.databricks_stub.kernel.sail.xml.options import XmlOptions

Row: TypeAlias = dict[str, Any]


class Repeated(list[Any]):
    """The values of an element that comes several times."""


class Corrupt(str):
    """The text of a row that is no XML."""


class Raw(str):
    """The text of a row, kept under RAW in the row when it is wanted."""


RAW = "\0raw"
TAG_BYTES = 1024
"""More than the start of a row's tag can have."""


def rows(chunks: Iterable[bytes], options: XmlOptions, *, keep_raw: bool = False) -> Iterator[list[Row | Corrupt]]:
    """Lists of rows, about one per chunk; with `keep_raw`, each row has its own text under RAW."""
    reader = _Reader(options, keep_raw=keep_raw)
    for chunk in chunks:
        reader.feed(chunk)
        if reader.found:
            yield reader.found
            reader.found = []
    reader.finish()
    if reader.found:
        yield reader.found


class _Reader:
    """Feeds expat and starts it anew after a broken row."""

    def __init__(self, options: XmlOptions, *, keep_raw: bool) -> None:
        self.found: list[Row | Corrupt] = []
        self._options = options
        self._keep_raw = keep_raw
        name = rb"(?:[\w.-]+:)?" if options.ignore_namespace else rb""
        self._row_start = re.compile(rb"<" + name + re.escape(options.row_tag.encode()) + rb"[\s/>]")
        self._row_end = re.compile(rb"</" + name + re.escape(options.row_tag.encode()) + rb"\s*>")
        self._kept = b""
        """What has been fed since the start of the row that is being read, or at least the last chunk."""
        self._kept_at = 0
        self._seen_bytes = False
        self._skipping = False
        self._skips_row = False
        self._depth = 0
        self._row: Row = {}
        self._row_at = -1
        self._stack: list[tuple[dict[str, str], dict[str, Any], list[str]]] = []
        self._text: list[str] = []
        self._parser = self._new_parser()

    def feed(self, chunk: bytes) -> None:
        self._seen_bytes = self._seen_bytes or bool(chunk)
        if self._skipping:
            self._kept += chunk
            self._parse(self._go_on(final=False), final=False)
            return
        # a tag that is cut by the end of a chunk has not been told yet
        keep_from = max(self._row_at if self._depth else self._parser.CurrentByteIndex, self._kept_at)
        self._kept = self._kept[keep_from - self._kept_at :] + chunk
        self._kept_at = keep_from
        self._parse(chunk, final=False)

    def finish(self) -> None:
        if self._skipping:
            self._parse(self._go_on(final=True), final=True)
        elif self._seen_bytes:
            self._parse(b"", final=True)

    def _parse(self, chunk: bytes | None, *, final: bool) -> None:
        while chunk is not None:
            try:
                self._parser.Parse(chunk, final)
                return
            except expat.ExpatError:
                self._skip_from_error()
                chunk = self._go_on(final=final)

    def _skip_from_error(self) -> None:
        """Keep what is broken: from the start of the row, or of the tag that was to be one, or of what is no row."""
        error_at = max(self._parser.ErrorByteIndex - self._kept_at, 0)
        self._skips_row = True
        if self._depth:
            start = self._row_at - self._kept_at
        else:
            # somewhere after the start of the last row
            tag = self._row_start.search(self._kept, max(self._row_at - self._kept_at + 1, 0))
            self._skips_row = bool(tag and tag.start() <= error_at)
            start = tag.start() if tag and self._skips_row else error_at
        self._kept = self._kept[start:]
        self._skipping = True
        self._depth = 0
        self._stack.clear()

    def _go_on(self, *, final: bool) -> bytes | None:
        """Tell the broken row as soon as the next can be seen; returns what a new parser must be fed, None to wait."""
        next_row = self._row_start.search(self._kept, 1)
        if next_row is None and not final:
            if not self._skips_row:
                self._kept = self._kept[-TAG_BYTES:]
            return None
        end = next_row.start() if next_row else len(self._kept)
        if self._skips_row or (self._options.mode == "FAILFAST" and self._kept[:end].strip()):
            self.found.append(Corrupt(self._kept[:end].decode("utf-8", "replace").strip()))
        self._skipping = False
        rest = self._kept[end:]
        self._parser = self._new_parser()
        # a root around what follows; expat counts its bytes too
        root = b"<x>"
        self._parser.Parse(root, False)
        self._kept, self._kept_at, self._row_at = rest, len(root), -1
        if not rest:
            return None
        return rest + b"</x>" if final else rest

    def _new_parser(self) -> Any:
        parser = expat.ParserCreate(self._options.encoding or None)
        parser.buffer_text = True
        parser.StartElementHandler = self._start_handler()
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        return parser

    def _start_handler(self) -> Any:
        options = self._options
        tag, prefix = options.row_tag, options.attribute_prefix

        def start(name: str, attributes: dict[str, str]) -> None:
            if options.ignore_namespace:
                name = name.rpartition(":")[2]
            if self._depth:
                self._depth += 1
                self._stack.append((attributes, {}, self._text))
                self._text = []
            elif name == tag:
                self._depth = 1
                self._row_at = self._parser.CurrentByteIndex
                self._text = []
                if options.exclude_attributes:
                    self._row = {}
                else:
                    self._row = {prefix + key: value for key, value in attributes.items()} if prefix else attributes

        return start

    def _characters(self, text: str) -> None:
        if self._depth:
            self._text.append(text)

    def _end(self, name: str) -> None:
        if self._depth == 1:
            self._end_row()
        elif self._depth:
            if self._options.ignore_namespace:
                name = name.rpartition(":")[2]
            attributes, children, text_around = self._stack.pop()
            value = self._value(attributes, children)
            self._text = text_around
            parent = self._stack[-1][1] if self._stack else self._row
            known = parent.get(name)
            if isinstance(known, Repeated):
                known.append(value)
            else:
                parent[name] = value if name not in parent else Repeated([known, value])
            self._depth -= 1

    def _end_row(self) -> None:
        self._depth = 0
        if self._text:
            text = "".join(self._text)
            if text.strip():
                self._row[self._options.value_tag] = text
        if self._keep_raw:
            self._row[RAW] = Raw(self._raw_row())
        self.found.append(self._row)

    def _raw_row(self) -> str:
        start = self._row_at - self._kept_at
        end = self._parser.CurrentByteIndex - self._kept_at
        # an element that closes itself ends where expat is, any other has its closing tag there
        if closing := self._row_end.match(self._kept, end):
            end = closing.end()
        return self._kept[start:end].decode("utf-8", "replace")

    def _value(self, attributes: dict[str, str], children: dict[str, Any]) -> Any:
        text = "".join(self._text)
        if self._options.exclude_attributes:
            attributes = {}
        if not attributes and not children:
            return text
        found: Row = {self._options.attribute_prefix + key: value for key, value in attributes.items()}
        found.update(children)
        if text.strip():
            found[self._options.value_tag] = text
        return found
