"""The messages of the code as patterns: texts in which `<…>` stands for what is filled in."""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import REPOSITORY

HOLE = "\0"


def pattern(text: str) -> str:
    """A text of a page with its `<…>` as holes."""
    return re.sub(r"<[^<>]*>", HOLE, text)


@functools.cache
def trees(folder: Path) -> tuple[ast.AST, ...]:
    """The Python files of a folder, parsed."""
    return tuple(ast.parse(file.read_text("utf-8")) for file in sorted(folder.rglob("*.py")))


def literals(folder: Path) -> Iterator[str]:
    """Every text in the Python files of a folder, what f-strings fill in as holes."""
    for tree in trees(folder):
        for node in ast.walk(tree):
            yield from texts(node)


def raised(folder: Path, names: set[str]) -> set[str]:
    """The first argument of every call of these classes, as far as it is a text."""
    return {
        text
        for tree in trees(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args
        for text in texts(node.args[0])
    }


def texts(node: ast.AST) -> list[str]:
    """What a text or an f-string can be: one for each way of its conditions."""
    match node:
        case ast.Constant(value=str(value)):
            return [value]
        case ast.JoinedStr(values=values):
            choices = [texts(value) or [HOLE] for value in values]
            return ["".join(parts) for parts in itertools.product(*choices)]
        case ast.FormattedValue(value=ast.IfExp(body=ast.Constant(), orelse=ast.Constant()) as choice):
            return [*texts(choice.body), *texts(choice.orelse)]
        case _:
            return []


def fragments(text: str) -> list[str]:
    """The fixed parts of a pattern."""
    return [part for part in text.split(HOLE) if part.strip()]


@functools.cache
def all_literals() -> frozenset[str]:
    """The texts of everything that speaks to users."""
    return frozenset(text for name in ("sandbox", "dags", "notebooks") for text in literals(REPOSITORY / name))
