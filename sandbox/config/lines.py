"""Which line of a TOML file a key stands on (tomllib does not say)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence

_HEADER = re.compile(r"^\s*\[\[?(?P<name>[^\[\]]+)\]\]?\s*(#.*)?$")
_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEY = re.compile(rf"^\s*(?P<key>{_PART}(?:\s*\.\s*{_PART})*)\s*=")


def _parts(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted TOML key, unquoted; tomllib itself reads it, so quoting rules are TOML's."""
    try:
        node: object = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(node, dict) and node:
        key, node = next(iter(node.items()))
        parts.append(key)
    return tuple(parts)


def key_lines(text: str) -> Mapping[tuple[str, ...], int]:
    """Line numbers (from 1) of every table header and every key at the start of a line, by full key path."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header["name"])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_parts(key["key"])), number)
    return lines


def line_of(lines: Mapping[tuple[str, ...], int], path: Sequence[str | int]) -> int | None:
    """The line of `path`, or of its nearest parent that has one."""
    names = tuple(str(part) for part in path)
    while names:
        if names in lines:
            return lines[names]
        names = names[:-1]
    return None
