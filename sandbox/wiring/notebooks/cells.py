"""A notebook file as cells that can be followed: parsed Python, SQL, inclusions by %run; with what does not parse."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.databricks_stub.notebook_source import NotANotebook, NotebookCell, executable, load
from sandbox.wiring.findings import Place
from sandbox.wiring.notebooks.grammar import GRAMMAR, newer_syntax
from sandbox.wiring.notebooks.magics import split_magics

CELL_MAGIC = re.compile(r"^%%(?P<name>\w+)[^\n]*\n?(?P<rest>[\s\S]*)$")
RUN_MAGIC = re.compile(r"^\s*%run(?:\s+(?P<line>.*))?$", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell. `opaque` is what cannot be followed (another language, the shell)."""

    kind: Literal["python", "sql", "run", "opaque"]
    place: Place
    tree: ast.Module | None = None
    text: str = ""
    arguments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something in a notebook that the interpreter of the notebook would refuse."""

    place: Place
    message: str


@dataclass(frozen=True, kw_only=True)
class NotebookFile:
    """The cells of a file in order, and what in it does not parse."""

    path: Path
    cells: tuple[Cell, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_notebook(path: Path) -> NotebookFile:
    """Read a notebook in either format; what is wrong with it is in `problems`."""
    try:
        found = executable(load(path))
    except (NotANotebook, OSError, UnicodeDecodeError) as error:
        message = str(error).replace(f"{path} is no notebook: ", "it is no notebook: ").removeprefix(f"{path}: ")
        line = re.match(r"line (\d+): ", message)
        return NotebookFile(
            path=path,
            problems=(
                Problem(
                    place=Place(file=path, line=int(line[1]) if line else 1),
                    message=message[line.end() :] if line else message,
                ),
            ),
        )
    cells: list[Cell] = []
    problems: list[Problem] = []
    for cell in found:
        _read_cell(cell, path, cells, problems)
    return NotebookFile(path=path, cells=tuple(cells), problems=tuple(problems))


def read_python_file(path: Path) -> NotebookFile:
    """A plain Python file, as a Python task runs it, as a notebook of one cell."""
    cells: list[Cell] = []
    problems: list[Problem] = []
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return NotebookFile(path=path, problems=(Problem(place=Place(file=path), message=str(error)),))
    cell = NotebookCell(kind="code", source=text, code=text, line=1)
    _read_python(cell, path, cells, problems, magics=False)
    return NotebookFile(path=path, cells=tuple(cells), problems=tuple(problems))


def _read_cell(cell: NotebookCell, path: Path, cells: list[Cell], problems: list[Problem]) -> None:
    magic = CELL_MAGIC.match(cell.code)
    if magic is None:
        _read_python(cell, path, cells, problems, magics=True)
        return
    place = _place(cell, path, 1 + _lines_before(cell.source, magic["rest"]))
    if magic["name"] == "sql":
        cells.append(Cell(kind="sql", place=place, text=magic["rest"]))
    elif magic["name"] not in ("sh", "skip"):
        cells.append(Cell(kind="opaque", place=place))


def _read_python(cell: NotebookCell, path: Path, cells: list[Cell], problems: list[Problem], *, magics: bool) -> None:
    code = without_indent(cell.code) if magics else cell.code
    try:
        tree = _parsed(code, path)
    except SyntaxError as first:
        # what is Python as it stands has no magics in it
        code, found = split_magics(code) if magics else (code, [])
        for number, line in found:
            if run := RUN_MAGIC.match(line):
                _read_run(run["line"] or "", _place(cell, path, number), cells, problems)
        try:
            tree = _parsed(code, path)
        except SyntaxError:
            problems.append(Problem(place=_place(cell, path, first.lineno or 1), message=f"SyntaxError: {first.msg}"))
            return
    for at, message in newer_syntax(code):
        problems.append(Problem(place=_place(cell, path, at), message=message))
    if path.suffix != ".ipynb":
        ast.increment_lineno(tree, cell.line - 1)
    in_ipynb = cell.line if path.suffix == ".ipynb" else None
    cells.append(Cell(kind="python", place=Place(file=path, cell=in_ipynb), tree=tree))


def _read_run(line: str, place: Place, cells: list[Cell], problems: list[Problem]) -> None:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        problems.append(Problem(place=place, message=f"%run {line.strip()} cannot be read: {error}"))
        return
    if not words:
        problems.append(Problem(place=place, message="%run names no notebook"))
        return
    cells.append(Cell(kind="run", place=place, text=words[0], arguments=tuple(_arguments(words[1:]))))


def _parsed(code: str, path: Path) -> ast.Module:
    with warnings.catch_warnings():
        # what the notebook's own interpreter would warn about is not this tool's business
        warnings.simplefilter("ignore")
        tree = ast.parse(code, str(path), feature_version=GRAMMAR)
        # finds what the grammar allows and the language does not, such as `return` outside of a function; nothing runs
        compile(tree, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return tree


def without_indent(code: str) -> str:
    """The code without what stands before its first line, as IPython takes it away."""
    first = next((line for line in code.split("\n") if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    return "\n".join(line.removeprefix(indent) for line in code.split("\n")) if indent else code


def _arguments(words: list[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, equals, value = word.removeprefix("$").partition("=")
        if equals:
            yield name, value


def _lines_before(source: str, rest: str) -> int:
    return source[: max(0, source.rfind(rest))].count("\n") if rest else 0


def _place(cell: NotebookCell, path: Path, line: int) -> Place:
    """`line` counts from 1 inside the cell."""
    if path.suffix == ".ipynb":
        return Place(file=path, line=line, cell=cell.line)
    return Place(file=path, line=cell.line + line - 1)
