"""Which cells are meant: by id, by pattern, by an expression over the axes, by group."""

from __future__ import annotations

import difflib
import fnmatch
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.errors import ConfigurationError, NothingSelected
from sandbox.matrix.cell import AXES, Cell, parse_id
from sandbox.matrix.model import Matrix

_TERM = re.compile(r"\s*(?P<axis>[a-z]+)\s*(?P<operator>>=|<=|!=|==|=|>|<)\s*(?P<value>[^\s,<>=!]+)\s*")
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_ORDERED_AXES = ("airflow", "python", "databricks")
NEXT = "sandbox matrix list"


def select(matrix: Matrix, words: Sequence[str] = (), groups: Sequence[str] = ()) -> tuple[Cell, ...]:
    """The cells that one of the words means and that are in one of the groups, in the order of the matrix.

    A word is an id, a pattern of ids (`*kind*`), or terms over the axes joined by commas (`airflow>=3.1,engine=sail`).
    Raises ConfigurationError for a word or a group that is none, and NothingSelected when nothing is left.
    """
    for group in groups:
        if group not in matrix.groups:
            raise ConfigurationError(
                f"there is no group {group}", why=f"there are: {', '.join(matrix.groups)}", next_command=NEXT
            )
    meant = [_cells_of(matrix, word) for word in words]
    chosen = tuple(
        cell
        for cell in matrix.cells
        if (not words or any(cell in cells for cells in meant)) and (not groups or {*cell.groups} & {*groups})
    )
    if not chosen:
        wanted = " ".join([*words, *(f"--group {group}" for group in groups)])
        refused = [f"{word} is not supported: {reason}" for word in words if (reason := _refusal(matrix, word))]
        raise NothingSelected(f"no cell is selected by {wanted}", why="\n".join(refused), next_command=NEXT)
    return chosen


def _cells_of(matrix: Matrix, word: str) -> list[Cell]:
    if any(sign in word for sign in "=<>"):
        return [cell for cell in matrix.cells if _expression(word)(cell.axes)]
    found = [cell for cell in matrix.cells if fnmatch.fnmatchcase(cell.id, word)]
    if not found and not any(sign in word for sign in "*?["):
        raise _unknown(matrix, word)
    return found


def _unknown(matrix: Matrix, word: str) -> NothingSelected:
    axes = parse_id(word)
    if axes and (reason := matrix.refusal(axes)):
        return NothingSelected(f"{word} is not supported", why=reason, next_command=NEXT)
    close = difflib.get_close_matches(word, [cell.id for cell in matrix.cells], n=3)
    why = f"the nearest: {', '.join(close)}" if close else f"{matrix.file.name} has {len(matrix.cells)} cells"
    return NothingSelected(f"there is no cell {word}", why=why, next_command=NEXT)


def _refusal(matrix: Matrix, word: str) -> str:
    """Why there is no such cell, where terms with `=` name a combination that the matrix declares unsupported."""
    terms = [match for part in word.split(",") if (match := _TERM.fullmatch(part))]
    named = {term["axis"]: term["value"] for term in terms if term["operator"] in ("=", "==")}
    return next((entry.reason for entry in matrix.unsupported if entry.follows_from(named)), "")


def _expression(text: str) -> Callable[[Mapping[str, str]], bool]:
    terms = []
    for part in text.split(","):
        match = _TERM.fullmatch(part)
        if match is None or match["axis"] not in AXES:
            raise ConfigurationError(
                f"{part.strip()!r} is no term over the axes",
                why=f"a term is AXIS=VALUE, with one of = != < <= > >= between them; the axes: {', '.join(AXES)}",
                next_command="sandbox matrix list 'airflow>=3.1,backend=process'",
            )
        if match["operator"] in _ORDERS and (match["axis"] not in _ORDERED_AXES or not _is_version(match["value"])):
            raise ConfigurationError(
                f"{part.strip()!r} cannot be compared",
                why=f"{', '.join(_ORDERED_AXES)} are versions, the other axes are names",
                next_command="sandbox matrix list 'airflow>=3.1,backend=process'",
            )
        terms.append((match["axis"], match["operator"], match["value"]))
    return lambda axes: all(_holds(axes[axis], sign, value) for axis, sign, value in terms)


def _is_version(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)*", text) is not None


def _holds(actual: str, sign: str, wanted: str) -> bool:
    if sign in _ORDERS:
        return _ORDERS[sign](*_padded(actual, wanted))
    return fnmatch.fnmatchcase(actual, wanted) is (sign != "!=")


def _padded(*versions: str) -> list[tuple[int, ...]]:
    """Versions as numbers of one length: 3.1 and 3.1.0 are the same."""
    parts = [[int(part) for part in version.split(".")] for version in versions]
    longest = max(len(numbers) for numbers in parts)
    return [tuple(numbers + [0] * (longest - len(numbers))) for numbers in parts]
