"""Two snapshots of one dump, with rows that no pipeline likes, and what is true of the second."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import py7zr

from sandbox.archive.generate import generate
from tests.truth import Truth, of_xml

TWICE = (
    '  <row Id="900001" PostTypeId="99" CreationDate="2020-01-01T00:00:00.5" Score="-3" Title=" &lt;b&gt; "'
    ' Zero="z" New="x" />\r\n'
)
BAD = (
    '  <row Id="x7" PostTypeId="1" CreationDate="2020-01-01T00:00:00.000" Score="1" Body="null" />\r\n',
    '  <row PostTypeId="2" CreationDate="yesterday" Score="" Tags="loose" />\r\n',
)
FILES = ("Posts.xml", "Users.xml")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A pair of XML files."""

    name: str
    folder: Path

    @property
    def parameters(self) -> dict[str, str]:
        """What the job passes."""
        paths = {f"{asset}_path": f"snapshots/{self.name}/{asset.title()}.xml" for asset in ("posts", "users")}
        return {"catalog": "projects", "schema": "default", "volume": "my_volume", "snapshot": self.name, **paths}


def make(folder: Path) -> tuple[Snapshot, Snapshot]:
    """Odd rows are in both; the second lacks rows of the first and has some otherwise."""
    archive = generate(folder / "site.7z", site="site.stackexchange.com", posts=150, users=40, seed=1)
    first, second = (Snapshot(name=name, folder=folder / name) for name in ("first", "second"))
    with py7zr.SevenZipFile(archive) as opened:
        opened.extract(path=first.folder, targets=list(FILES))
    second.folder.mkdir()
    for name, odd in zip(FILES, ((TWICE, *BAD, TWICE), ()), strict=True):
        *lines, end = (first.folder / name).read_bytes().decode().splitlines(keepends=True)
        write(first.folder / name, [*lines, *odd, end])
        write(second.folder / name, [*lines[:2], *later(lines[2:]), *odd, end])
    return first, second


def later(lines: list[str]) -> Iterator[str]:
    """The rows as a later dump has them."""
    for at, line in enumerate(lines):
        if at % 11 != 5:
            yield re.sub(r'(Score|Reputation)="', r'\1="1', line.replace('="-', '="')) if at % 7 == 0 else line


def truth_of(snapshot: Snapshot) -> Truth:
    """What can be read of it; a row that comes twice counts once."""
    lines = (snapshot.folder / "Posts.xml").read_bytes().decode().splitlines(keepends=True)
    good = [line for line in lines if line not in BAD]
    good.remove(TWICE)
    write(snapshot.folder / "Good.xml", good)
    return of_xml(snapshot.folder / "Good.xml", snapshot.folder / "Users.xml")


def write(file: Path, lines: list[str]) -> None:
    """Line ends as they are."""
    file.write_bytes("".join(lines).encode())
