"""The lines of a cell that are IPython's and not Python's: magics, shell lines, requests for help.

They stand where a statement could begin: a line of a text, or between brackets, is none, whatever it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LINE_MAGIC = re.compile(r"^(?P<indent>\s*)(?:(?P<target>[\w, ]+)=\s*)?[%!]")
HELP = re.compile(r"^\s*(?:\?{1,2}[\w.*]+|[\w.*]+\?{1,2})\s*$")
WHAT_COUNTS = re.compile(r"""#.*|\\.|"{3}|'{3}|["'()\[\]{}]|\\$""")
"""What opens or closes something in a line of Python."""


def split_magics(code: str) -> tuple[str, list[tuple[int, str]]]:
    """The code with these lines as Python that does nothing, line for line; and each of them with its number from 1.

    As in IPython, one goes on in the next line after a backslash.
    """
    plain: list[str] = []
    magics: list[tuple[int, str]] = []
    at_start = _Starts()
    lines = iter(code.split("\n"))
    for line in lines:
        instead = _instead(line) if at_start.here else None
        if instead is None:
            at_start.pass_by(line)
            plain.append(line)
            continue
        number = len(plain) + 1
        plain.append(instead)
        whole = line
        while whole.endswith("\\") and (more := next(lines, None)) is not None:
            whole = whole[:-1] + more
            plain.append("")
        magics.append((number, whole))
    return "\n".join(plain), magics


def _instead(line: str) -> str | None:
    """What stands for the line in Python; None for Python itself."""
    if magic := LINE_MAGIC.match(line):
        return f"{magic['indent']}{magic['target']}= None" if magic["target"] else f"{magic['indent']}pass"
    return "pass" if HELP.match(line) else None


class _Starts:
    """Whether a statement can begin in the next line: `here`."""

    def __init__(self) -> None:
        self._quote = ""
        self._depth = 0
        self._goes_on = False

    @property
    def here(self) -> bool:
        return not (self._quote or self._depth or self._goes_on)

    def pass_by(self, line: str) -> None:
        """Go to the end of a line."""
        self._goes_on = False
        for mark in self._marks(line):
            if mark == "\\":
                self._goes_on = True
            elif self._quote:
                self._quote = "" if mark == self._quote else self._quote
            elif mark[0] in "\"'":
                self._quote = mark
            elif mark in "([{":
                self._depth += 1
            elif mark in ")]}":
                self._depth = max(0, self._depth - 1)
        if len(self._quote) == 1 and not self._goes_on:
            self._quote = ""  # such a text ends with its line

    def _marks(self, line: str) -> Iterator[str]:
        at = 0
        while found := WHAT_COUNTS.search(line, at):
            mark, at = found[0], found.end()
            if self._quote and mark[0] == "#":
                at = found.start() + 1
            elif self._quote and mark[0] in "\"'" and len(mark) > len(self._quote):
                yield mark[0]
                at = found.start() + 1
            elif mark[0] == "#":
                return
            elif len(mark) == 1 or mark[0] != "\\":
                yield mark
