"""Read a notebook: .ipynb, or Databricks source format (.py, .sql), into cells that remember their lines.

Standard library only: the workspace reads notebooks to execute them, a kernel reads those that %run names.
Documented: https://docs.databricks.com/notebooks/notebook-export-import
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SEPARATOR = {".py": "# COMMAND ----------", ".sql": "-- COMMAND ----------"}
HEADER = {".py": "# Databricks notebook source", ".sql": "-- Databricks notebook source"}
COMMENT = {".py": "# ", ".sql": "-- "}
METADATA = "application/vnd.databricks.v1+notebook"
"""Where an .ipynb has what Databricks knows of it."""
LANGUAGE_OF_SUFFIX: dict[str, Literal["python", "sql"]] = {".py": "python", ".sql": "sql"}
MAGIC_LINE = re.compile(r"^\s*%(?P<name>[A-Za-z_-]+)(?=\s|$)[ \t]*(?P<rest>[\s\S]*)$")
WHOLE_CELL = ("sql", "sh", "md", "python", "scala", "r", "skip")
"""Magics that own their whole cell, as Databricks reads them; IPython would give them one line."""


class NotANotebook(Exception):
    """The file is no notebook; the message says why."""


@dataclass(frozen=True, kw_only=True)
class NotebookCell:
    """One cell: what IPython executes as `code` (empty for text), its source as written, its first line in the file."""

    kind: Literal["code", "markdown", "raw"]
    source: str
    code: str
    line: int


def load(path: Path) -> list[NotebookCell]:
    """The cells of the notebook at `path`; raises NotANotebook when it is none, OSError when it cannot be read."""
    return cells_of(path.read_text("utf-8-sig"), path.suffix, str(path))


def cells_of(text: str, suffix: str, name: str) -> list[NotebookCell]:
    """The cells of a notebook's text in the format of that suffix; raises NotANotebook, which calls it `name`."""
    if suffix == ".ipynb":
        return list(_from_ipynb(text, name))
    if suffix not in HEADER:
        raise NotANotebook(f"{name} is no notebook: its name ends neither in .ipynb nor in .py nor in .sql")
    # not splitlines(): it also splits at characters that Python and SQL allow inside a string, such as U+2028
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines or lines[0].strip() != HEADER[suffix]:
        raise NotANotebook(f"{name} is no notebook: its first line is not {HEADER[suffix]!r}")
    try:
        return list(_from_source(lines[1:], suffix))
    except NotANotebook as error:
        raise NotANotebook(f"{name}: {error}") from None


def language_of(document: Mapping[str, Any]) -> str:
    """The language of an .ipynb's cells without a magic, as Databricks notes it; Python where it does not."""
    metadata = document.get("metadata")
    noted = metadata.get(METADATA) if isinstance(metadata, dict) else None
    language = noted.get("language") if isinstance(noted, dict) else None
    return language if isinstance(language, str) else "python"


def _from_ipynb(text: str, name: str) -> Iterator[NotebookCell]:
    try:
        document = json.loads(text)
        cells = document["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotANotebook(f"{name} is no notebook: {type(error).__name__}: {error}") from error
    if not isinstance(cells, list):
        raise NotANotebook(f"{name} is no notebook: its cells are no list")
    language = language_of(document)
    for number, cell in enumerate(cells, start=1):
        source = _source(cell)
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        if source is None or kind not in ("code", "markdown", "raw"):
            wrong = "has no source" if source is None else f"is of the unknown type {kind!r}"
            raise NotANotebook(f"{name} is no notebook: its cell {number} {wrong}")
        if kind == "code":
            yield _cell(source, number, language)
        else:
            yield NotebookCell(kind=kind, source=source, code="", line=number)


def _source(cell: Any) -> str | None:
    """The text of a cell, which may be written as a list of lines; None when there is none."""
    source = cell.get("source") if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def _from_source(lines: list[str], suffix: str) -> Iterator[NotebookCell]:
    """Lines count from 1 in the file, whose first one is the header."""
    block: list[str] = []
    begun = 2
    for number, line in enumerate([*lines, SEPARATOR[suffix]], start=2):
        if line.strip() != SEPARATOR[suffix]:
            block.append(line)
            continue
        yield from _block(block, begun, suffix)
        block, begun = [], number + 1


def _block(block: list[str], begun: int, suffix: str) -> Iterator[NotebookCell]:
    prefix = COMMENT[suffix]
    while block and (not block[0].strip() or block[0].startswith(f"{prefix}DBTITLE")):
        block = block[1:]
        begun += 1
    while block and not block[-1].strip():
        block = block[:-1]
    if not block:
        return
    magic = [line.startswith(f"{prefix}MAGIC") for line in block]
    if any(magic):
        first = magic.index(True)
        if not all(magic[first:]) or any(line.strip() and not line.startswith(prefix) for line in block[:first]):
            raise NotANotebook(f"line {begun}: a cell mixes MAGIC lines with others, and would be executed in part")
        block, begun = block[first:], begun + first
        block = [re.sub(rf"^{re.escape(prefix)}MAGIC ?", "", line) for line in block]
    yield _cell("\n".join(block), begun, LANGUAGE_OF_SUFFIX[suffix])


def _cell(source: str, line: int, language: str) -> NotebookCell:
    """A code cell as IPython shall see it; %md becomes text."""
    found = MAGIC_LINE.match(source)
    name = found["name"].lower() if found else ""
    rest = found["rest"] if found else ""
    if name in ("md", "markdown", "md-sandbox"):
        return NotebookCell(kind="markdown", source=rest.strip(), code="", line=line)
    if name == "python":
        return NotebookCell(
            kind="code", source=source, code="\n" * source[: source.find(rest)].count("\n") + rest, line=line
        )
    if name == "fs" and "\n" not in rest.strip():
        # the command may stand in the line below
        return NotebookCell(kind="code", source=source, code=f"%fs {rest.strip()}", line=line)
    if name in WHOLE_CELL:
        return NotebookCell(kind="code", source=source, code=f"%%{name}\n{rest}", line=line)
    if not name and language != "python":
        return NotebookCell(kind="code", source=source, code=f"%%{language}\n{source}", line=line)
    return NotebookCell(kind="code", source=source, code=source, line=line)


def executable(cells: Iterable[NotebookCell]) -> list[NotebookCell]:
    """The cells that are executed."""
    return [cell for cell in cells if cell.kind == "code" and cell.code.strip()]
