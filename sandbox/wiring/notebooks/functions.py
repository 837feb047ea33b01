"""Functions of a notebook as values, and what those say that nobody was seen to call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.wiring.notebooks.values import Function, Scope


def made(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope, value_of: Callable[[ast.expr], Any]
) -> Function:
    """A function as a value, with its defaults as they are now."""
    parameters = [*node.args.posonlyargs, *node.args.args]
    with_default = parameters[len(parameters) - len(node.args.defaults) :]
    defaults = {item.arg: value_of(default) for item, default in zip(with_default, node.args.defaults, strict=True)} | {
        item.arg: value_of(default)
        for item, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is not None
    }
    return Function(node, scope, defaults)


def widgets_named(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The widgets that code reads by a literal name."""
    for node in nodes:
        for inner in ast.walk(node):
            match inner:
                case ast.Call(func=ast.Attribute(attr="get" | "getArgument"), args=[ast.Constant(value=str(name)), *_]):
                    yield name
