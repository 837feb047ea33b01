"""Values as far as they are known without running anything.

A known value is the Python value itself. What is not known is a Dotted, which says how it was reached
(`spark.read.format().table`); inside of a text it is a HOLE.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOLE = "\ue000"
LONGEST_PATH = 300
MOST_ITEMS = 200

TEXT_METHODS = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "lower", "lstrip", "partition", "removeprefix"),
        *("removesuffix", "replace", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
        *("title", "upper", "zfill"),
    }
)
CONTAINER_METHODS = frozenset(
    {
        "add",
        "append",
        "copy",
        "extend",
        "get",
        "index",
        "insert",
        "items",
        "keys",
        "pop",
        "setdefault",
        "update",
        "values",
    }
)
BUILTINS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        bool,
        dict,
        enumerate,
        float,
        int,
        len,
        list,
        max,
        min,
        reversed,
        set,
        sorted,
        str,
        sum,
        tuple,
        zip,
    )
}


@dataclass(frozen=True)
class Dotted:
    """Something unknown, and the names and calls that lead to it."""

    path: str

    def then(self, step: str) -> Dotted:
        """What is reached from here; a path that grows without end is forgotten but for its beginning."""
        longer = f"{self.path}{step}"
        return Dotted(longer if len(longer) <= LONGEST_PATH else f"{self.path.partition('.')[0]}.…{step}")


UNKNOWN = Dotted("?")


@dataclass(frozen=True)
class Handle:
    """A DeltaTable object."""

    table: str


@dataclass
class Scope:
    """Names of a function or of the notebook."""

    parent: Scope | None = None
    names: dict[str, Any] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    """Names that `global` or `nonlocal` hands to the outer scope."""

    def find(self, name: str) -> Any:
        """The value of a name; an unknown one is itself."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return Dotted(name)

    def bind(self, name: str, value: Any) -> None:
        """Give a name a value."""
        if name in self.shared and self.parent is not None:
            self.parent.bind(name, value)
        else:
            self.names[name] = value


@dataclass(eq=False)
class Function:
    """A function or lambda of the notebook, and the scope in which it was made."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    defaults: Mapping[str, Any]


@dataclass(eq=False)
class Module:
    """A Python file beside the notebook, imported; `folder` is that of a package."""

    file: Path
    folder: Path | None = None
    scope: Scope = field(default_factory=Scope)
    names: frozenset[str] | None = None
    """All that it may have; None: not known."""

    def member(self, name: str) -> Any:
        """What a name of it stands for."""
        return self.scope.names.get(name, Dotted(f"{self.file.stem}.{name}"))


def is_known(value: Any) -> bool:
    """Whether all of a value is known."""
    if isinstance(value, str):
        return HOLE not in value
    if isinstance(value, Mapping):
        return all(is_known(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_known(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, bytes))


def as_text(value: Any) -> str:
    """What `str()` gives, with a HOLE for what is not known."""
    if isinstance(value, str):
        return value
    return str(value) if is_known(value) else HOLE


def joined(first: Any, second: Any) -> Any:
    """The value after two ways that a program can take."""
    if type(first) is type(second) and not isinstance(first, Function) and first == second:
        return first
    return first if first is second else UNKNOWN


def items_of(value: Any) -> list[Any] | None:
    """What a loop over the value visits; None when that is not known."""
    if isinstance(value, (Mapping, list, tuple)):
        found = list(value)
    elif isinstance(value, (set, frozenset)) and is_known(value):
        found = sorted(value, key=str)
    else:
        return None
    return found if len(found) <= MOST_ITEMS else None


def store(container: Any, index: Any, value: Any) -> None:
    """`container[index] = value`, as far as both are known."""
    if isinstance(container, list):
        if isinstance(index, int) and -len(container) <= index < len(container):
            container[index] = value
    elif isinstance(container, dict) and is_known(index) and not isinstance(index, (list, dict, set)):
        container[index] = value


def call_method(receiver: Any, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """A method of a text or a container of known shape; UNKNOWN where it cannot be computed."""
    try:
        if isinstance(receiver, str):
            if name == "format":
                return receiver.format(
                    *map(as_text, arguments), **{key: as_text(item) for key, item in keywords.items()}
                )
            if name == "join":
                parts = items_of(arguments[0])
                return HOLE if parts is None else receiver.join(map(as_text, parts))
            if name in TEXT_METHODS and all(is_known(item) for item in arguments):
                return getattr(receiver, name)(*arguments, **keywords)
        elif isinstance(receiver, (dict, list, set)) and name in CONTAINER_METHODS:
            found = getattr(receiver, name)(*arguments, **keywords)
            return list(found) if isinstance(receiver, dict) and name in ("items", "keys", "values") else found
    except (TypeError, ValueError, LookupError, AttributeError):
        return UNKNOWN
    return UNKNOWN


def call_builtin(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """A function that every notebook has; UNKNOWN where it cannot be computed."""
    if name == "str" and len(arguments) == 1:
        return as_text(arguments[0])
    if name == "range":
        if all(isinstance(item, int) for item in arguments) and arguments:
            numbers = range(*arguments)
            return list(numbers) if len(numbers) <= MOST_ITEMS else UNKNOWN
        return UNKNOWN
    function = BUILTINS.get(name)
    shaped = all(isinstance(item, (list, tuple, dict)) or is_known(item) for item in arguments)
    if function is None or not shaped or any(isinstance(item, Function) for item in keywords.values()):
        return UNKNOWN
    try:
        found = function(*arguments, **keywords)
    except (TypeError, ValueError):
        return UNKNOWN
    return list(found) if name in ("enumerate", "reversed", "zip") else found


def join_path(parts: Sequence[Any]) -> str:
    """The parts of a path as one text."""
    return posixpath.join(*map(as_text, parts)) if parts else ""
