"""Expressions of a notebook: their values as far as they are known, and the calls in them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sandbox.wiring.notebooks.effects import Effects
from sandbox.wiring.notebooks.values import (
    BUILTINS,
    HOLE,
    UNKNOWN,
    Dotted,
    Function,
    Handle,
    Module,
    Scope,
    as_text,
    call_builtin,
    call_method,
    is_known,
    items_of,
    join_path,
    joined,
)

COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
PATH_MAKERS = frozenset({"Path", "PurePath", "PosixPath", "PurePosixPath"})


class Follower(Protocol):
    """What expressions need of the interpreter that follows statements."""

    scope: Scope
    effects: Effects

    def invoke(self, function: Function, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """Follow a function of the notebook."""

    def make_function(self, node: ast.Lambda) -> Function:
        """A lambda as a value."""

    def bind(self, target: ast.expr, value: Any) -> None:
        """Assign."""

    def count(self) -> None:
        """Raises when a notebook takes too many steps."""

    def note_path(self, text: str, node: ast.AST) -> None:
        """A text that may be a path below /Volumes."""

    def call_effect(self, path: str, arguments: Sequence[Any], keywords: Mapping[str, Any], node: ast.AST) -> Any:
        """A call that leaves the notebook."""

    def handle_effect(self, handle: Handle, method: str, node: ast.AST) -> Any:
        """A method of a DeltaTable."""


def evaluate(node: ast.expr, at: Follower) -> Any:
    """The value of an expression."""
    at.count()
    match node:
        case ast.Constant(value=value):
            if isinstance(value, str):
                at.note_path(value, node)
            return value
        case ast.Name(id=name):
            return at.scope.find(name)
        case ast.JoinedStr():
            return _noted("".join(_part(part, at) for part in node.values), node, at)
        case ast.Attribute():
            return _attribute(evaluate(node.value, at), node.attr)
        case ast.Call():
            return _call(node, at)
        case ast.BinOp():
            return _binary(node, at)
        case ast.List() | ast.Set():
            return [evaluate(item, at) for item in node.elts]
        case ast.Tuple():
            return tuple(evaluate(item, at) for item in node.elts)
        case ast.Dict():
            return _dict(node, at)
        case ast.Subscript():
            return _subscript(evaluate(node.value, at), evaluate(node.slice, at))
        case ast.IfExp():
            return _conditional(node, at)
        case ast.BoolOp():
            return _boolean(node, [evaluate(item, at) for item in node.values])
        case ast.Compare():
            return _compare(node, at)
        case ast.UnaryOp():
            value = evaluate(node.operand, at)
            if isinstance(node.op, ast.Not):
                return not value if is_known(value) else UNKNOWN
            return -value if isinstance(node.op, ast.USub) and isinstance(value, (int, float)) else UNKNOWN
        case ast.Lambda():
            return at.make_function(node)
        case ast.NamedExpr():
            value = evaluate(node.value, at)
            at.bind(node.target, value)
            return value
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return _comprehension(node, at)
        case ast.Starred() | ast.Await():
            return evaluate(node.value, at)
        case _:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    evaluate(child, at)
            return UNKNOWN


def _noted(text: str, node: ast.AST, at: Follower) -> str:
    at.note_path(text, node)
    return text


def _part(node: ast.expr, at: Follower) -> str:
    if not isinstance(node, ast.FormattedValue):
        return as_text(evaluate(node, at))
    value = evaluate(node.value, at)
    form = as_text(evaluate(node.format_spec, at)) if node.format_spec is not None else ""
    if not is_known(value) or HOLE in form:
        return as_text(value) if not form and node.conversion == -1 else HOLE
    converters: dict[int, Callable[[Any], Any]] = {ord("r"): repr, ord("a"): ascii, ord("s"): str}
    convert = converters.get(node.conversion)
    try:
        return format(convert(value) if convert else value, form)
    except (TypeError, ValueError):
        return HOLE


def _attribute(value: Any, name: str) -> Any:
    if isinstance(value, Module):
        return value.member(name)
    if isinstance(value, Dotted):
        return value.then(f".{name}")
    return UNKNOWN.then(f".{name}")


def _call(node: ast.Call, at: Follower) -> Any:
    receiver = evaluate(node.func.value, at) if isinstance(node.func, ast.Attribute) else None
    callee = None if isinstance(node.func, ast.Attribute) else evaluate(node.func, at)
    if isinstance(node.func, ast.Attribute) and isinstance(receiver, Module):
        callee = receiver.member(node.func.attr)
    arguments = [evaluate(item, at) for item in node.args]
    keywords = {item.arg or f"**{index}": evaluate(item.value, at) for index, item in enumerate(node.keywords)}
    starred = any(isinstance(item, ast.Starred) for item in node.args)
    if isinstance(callee, Function):
        return at.invoke(callee, [] if starred else arguments, keywords)
    for item in (*arguments, *keywords.values()):
        if isinstance(item, Function):
            # what calls it, and with what, is not known; that it is called is
            at.invoke(item, [], {})
    if isinstance(node.func, ast.Attribute):
        name = node.func.attr
        if isinstance(receiver, Handle):
            return at.handle_effect(receiver, name, node)
        if name == "joinpath" and isinstance(receiver, str):
            return _noted(join_path([receiver, *arguments]), node, at)
        if not isinstance(receiver, (Dotted, Function, Module)):
            found = UNKNOWN if starred else call_method(receiver, name, arguments, keywords)
            if isinstance(found, str):
                at.note_path(found, node)
            return found if found is not UNKNOWN else at.call_effect(f"?.{name}", arguments, keywords, node)
    path = _path(_attribute(receiver, node.func.attr) if isinstance(node.func, ast.Attribute) else callee)
    last = path.rpartition(".")[2]
    if last in PATH_MAKERS or path == "os.path.join":
        return _noted(join_path(arguments), node, at)
    if path in BUILTINS or path == "range":
        return call_builtin(path, arguments, keywords)
    return at.call_effect(path, arguments, keywords, node)


def _path(callee: Any) -> str:
    return callee.path if isinstance(callee, Dotted) else "?"


def _binary(node: ast.BinOp, at: Follower) -> Any:
    left, right = evaluate(node.left, at), evaluate(node.right, at)
    texts = isinstance(left, str) or isinstance(right, str)
    match node.op:
        case ast.Add() if texts:
            return _noted(as_text(left) + as_text(right), node, at)
        case ast.Add() if isinstance(left, list) and isinstance(right, list):
            return left + right
        case ast.Div() if texts:
            return _noted(join_path([left, right]), node, at)
        case ast.Mod() if isinstance(left, str):
            given = tuple(map(as_text, right)) if isinstance(right, tuple) else as_text(right)
            try:
                return left % given
            except (TypeError, ValueError, KeyError):
                return HOLE
        case ast.Add() | ast.Sub() | ast.Mult() if isinstance(left, (int, float)) and isinstance(right, (int, float)):
            return {ast.Add: operator.add, ast.Sub: operator.sub}.get(type(node.op), operator.mul)(left, right)
        case ast.BitOr() if isinstance(left, dict) and isinstance(right, dict):
            return left | right
    return UNKNOWN


def _dict(node: ast.Dict, at: Follower) -> Any:
    found: dict[Any, Any] = {}
    for key, item in zip(node.keys, node.values, strict=True):
        value = evaluate(item, at)
        if key is None:
            found.update(value if isinstance(value, dict) else {UNKNOWN: UNKNOWN})
            continue
        name = evaluate(key, at)
        found[name if is_known(name) and not isinstance(name, (list, dict, set)) else UNKNOWN] = value
    return found


def _subscript(value: Any, index: Any) -> Any:
    if isinstance(value, (str, list, tuple, dict)) and is_known(index):
        try:
            return value[index]
        except (TypeError, LookupError):
            return UNKNOWN
    return value.then("[]") if isinstance(value, Dotted) else UNKNOWN


def _conditional(node: ast.IfExp, at: Follower) -> Any:
    test = evaluate(node.test, at)
    outer = at.effects.guarded
    at.effects.guarded = outer or (is_known(test) and not test)
    first = evaluate(node.body, at)
    at.effects.guarded = outer or (is_known(test) and bool(test))
    second = evaluate(node.orelse, at)
    at.effects.guarded = outer
    return joined(first, second) if not is_known(test) else first if test else second


def _boolean(node: ast.BoolOp, values: list[Any]) -> Any:
    stops = isinstance(node.op, ast.Or)
    for value in values[:-1]:
        if not is_known(value):
            return UNKNOWN
        if bool(value) is stops:
            return value
    return values[-1]


def _compare(node: ast.Compare, at: Follower) -> Any:
    left, *rest = (evaluate(item, at) for item in (node.left, *node.comparators))
    function = COMPARISONS.get(type(node.ops[0]))
    if function is None or len(rest) != 1 or not (is_known(left) and is_known(rest[0])):
        return UNKNOWN
    try:
        return function(left, rest[0])
    except TypeError:
        return UNKNOWN


def _comprehension(node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, at: Follower) -> Any:
    outer = at.scope
    at.scope = Scope(parent=outer)
    found: list[Any] = []
    try:
        complete = _generate(node, 0, found, at)
    finally:
        at.scope = outer
    if not complete:
        return UNKNOWN
    return {key: value for key, value in found if is_known(key)} if isinstance(node, ast.DictComp) else found


def _generate(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, level: int, found: list[Any], at: Follower
) -> bool:
    """Visit one `for` of a comprehension; False when not all items are known."""
    if level == len(node.generators):
        if isinstance(node, ast.DictComp):
            found.append((evaluate(node.key, at), evaluate(node.value, at)))
        else:
            found.append(evaluate(node.elt, at))
        return True
    generator = node.generators[level]
    items = items_of(evaluate(generator.iter, at))
    complete = items is not None
    for item in [UNKNOWN] if items is None else items:
        at.bind(generator.target, item)
        tests = [evaluate(test, at) for test in generator.ifs]
        if any(is_known(test) and not test for test in tests):
            continue
        complete &= all(is_known(test) for test in tests)
        complete &= _generate(node, level + 1, found, at)
    return complete


def as_read(target: ast.expr) -> ast.expr:
    """The target of `+=` as what is read."""
    match target:
        case ast.Name(id=name):
            return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), target)
        case ast.Attribute(value=value, attr=attr):
            return ast.copy_location(ast.Attribute(value=value, attr=attr, ctx=ast.Load()), target)
        case ast.Subscript(value=value, slice=index):
            return ast.copy_location(ast.Subscript(value=value, slice=index, ctx=ast.Load()), target)
    return target
