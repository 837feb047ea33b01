"""Follows a notebook's statements in order: names keep their values, both ways of an `if` are taken, nothing runs.

What the two ways leave different is forgotten; a loop over what is not known is gone through once. Only what a notebook
can reach counts: a function that nobody calls reads no table.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.wiring.findings import Place
from sandbox.wiring.notebooks.cells import Cell, NotebookFile
from sandbox.wiring.notebooks.effects import Effects
from sandbox.wiring.notebooks.expressions import as_read, evaluate
from sandbox.wiring.notebooks.facts import Include, NotebookFacts
from sandbox.wiring.notebooks.functions import made, widgets_named
from sandbox.wiring.notebooks.imports import Imports
from sandbox.wiring.notebooks.values import (
    HOLE,
    UNKNOWN,
    Dotted,
    Function,
    Handle,
    Scope,
    is_known,
    items_of,
    joined,
    store,
)

MOST_STEPS = 200_000
DEEPEST = 12


class TooMuch(Exception):
    """A notebook takes more steps than it is worth."""


class Interpreter:
    """The state while one notebook is followed."""

    def __init__(
        self,
        facts: NotebookFacts,
        effects: Effects,
        read: Callable[[Path], NotebookFile],
        locate: Callable[[str, Path], Path | None],
    ) -> None:
        self.facts = facts
        self.effects = effects
        self.scope = Scope()
        self._read = read
        self._locate = locate
        self._imports = Imports(self)
        self._files: list[Path] = []
        self._cell = Place(file=facts.path)
        self._place: Place | None = None
        self._last_place: Place | None = None
        self._calls: list[Function] = []
        self._returns: list[list[Any]] = []
        self._steps = 0
        self._functions: dict[int, ast.AST] = {}

    def include(self, path: Path) -> None:
        """Follow all cells of a file in the present scope."""
        if path in self._files:
            return
        file = self._read(path)
        self.facts.problems += [problem for problem in file.problems if problem not in self.facts.problems]
        self._files.append(path)
        for cell in file.cells:
            self._cell = cell.place
            self._follow_cell(cell)
        self._files.pop()

    def _follow_cell(self, cell: Cell) -> None:
        match cell.kind:
            case "python":
                assert cell.tree is not None
                self.block(cell.tree.body)
            case "sql":
                self.effects.sql(cell.text, cell.place, markers_are_widgets=True)
            case "run":
                self.effects.given |= dict(cell.arguments)
                self.facts.passed_inside |= dict(cell.arguments).keys()
                found = self._locate(cell.text, self._files[-1].parent)
                if found is None:
                    self.facts.missing.append(Include(place=cell.place, path=cell.text, arguments=cell.arguments))
                    self.facts.reads_any_widget = True
                else:
                    self.include(found)
            case "opaque":
                self.facts.reads_any_widget = True

    def note_uncalled(self) -> None:
        """Remember the widgets that functions name which nobody was seen to call."""
        self.facts.maybe_read.update(widgets_named(self._functions.values()))

    # what expressions ask of us

    def count(self) -> None:
        """One step further."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooMuch

    def place_of(self, node: ast.AST) -> Place:
        """Where the notebook itself says this: the statement that led into a function, not the function's own line."""
        return self._place or replace(self._cell, line=getattr(node, "lineno", 1))

    def note_path(self, text: str, node: ast.AST) -> None:
        """A text that may be a path below /Volumes."""
        if "/Volumes/" in text:
            self.facts.volume(text, self.place_of(node))

    def call_effect(self, path: str, arguments: Sequence[Any], keywords: Mapping[str, Any], node: ast.AST) -> Any:
        """A call that leaves the notebook."""
        self.facts.changes_import_path |= path.startswith("sys.path.")
        if any(isinstance(item, Dotted) and item.path in ("dbutils", "dbutils.widgets") for item in arguments):
            self.facts.reads_any_widget = True
        return self.effects.call(path, arguments, keywords, self.place_of(node))

    def handle_effect(self, handle: Handle, method: str, node: ast.AST) -> Any:
        """A method of a DeltaTable."""
        return self.effects.on_handle(handle, method, self.place_of(node))

    def make_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Function:
        """A function as a value."""
        return made(node, self.scope, lambda default: evaluate(default, self))

    def invoke(self, function: Function, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """Follow a function with these arguments; what is not given is its default or not known."""
        self._functions.pop(id(function.node), None)
        if function in self._calls or len(self._calls) >= DEEPEST:
            return UNKNOWN
        node = function.node
        names = [item.arg for item in (*node.args.posonlyargs, *node.args.args)]
        scope = Scope(parent=function.scope)
        scope.names |= dict.fromkeys([*names, *(item.arg for item in node.args.kwonlyargs)], UNKNOWN)
        scope.names |= function.defaults
        scope.names |= dict(zip(names, arguments, strict=False))
        scope.names |= {name: value for name, value in keywords.items() if not name.startswith("**")}
        for rest in (node.args.vararg, node.args.kwarg):
            if rest is not None:
                scope.names[rest.arg] = UNKNOWN
        outer = (self.scope, self._place)
        self._place = outer[1] or self._last_place
        self.scope = scope
        self._calls.append(function)
        self._returns.append([])
        try:
            if isinstance(node, ast.Lambda):
                return evaluate(node.body, self)
            self.block(node.body)
            found = self._returns[-1]
            value = found[0] if found else None
            for other in found[1:]:
                value = joined(value, other)
            return value
        finally:
            self._returns.pop()
            self._calls.pop()
            self.scope, self._place = outer

    @property
    def guarded(self) -> bool:
        """Whether somebody catches what goes wrong here."""
        return self.effects.guarded

    def follow_apart(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Follow statements in another scope, as part of the present statement."""
        outer = (self.scope, self._place)
        self.scope, self._place = scope, outer[1] or self._last_place
        try:
            self.block(body)
        finally:
            self.scope, self._place = outer

    # statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Follow statements in order."""
        for statement in statements:
            self.count()
            if self._place is None:
                self._last_place = replace(self._cell, line=statement.lineno)
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign():
                value = evaluate(node.value, self)
                for target in node.targets:
                    self.bind(target, value)
            case ast.AnnAssign(value=ast.expr() as expression):
                self.bind(node.target, evaluate(expression, self))
            case ast.AugAssign():
                merged = ast.copy_location(ast.BinOp(left=as_read(node.target), op=node.op, right=node.value), node)
                self.bind(node.target, evaluate(merged, self))
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Return():
                if self._returns:
                    self._returns[-1].append(evaluate(node.value, self) if node.value is not None else None)
            case ast.If():
                self._either(evaluate(node.test, self), node.body, node.orelse)
            case ast.For() | ast.AsyncFor():
                self._loop(node)
            case ast.While():
                self._forget(node.body)
                evaluate(node.test, self)
                self._either(UNKNOWN, node.body, node.orelse)
            case ast.With() | ast.AsyncWith():
                suppresses = False
                for item in node.items:
                    value = evaluate(item.context_expr, self)
                    suppresses |= isinstance(value, Dotted) and value.path.endswith("suppress()")
                    if item.optional_vars is not None:
                        self.bind(item.optional_vars, value)
                self._guarded_block(node.body, caught=suppresses)
            case ast.Try() | ast.TryStar():
                self._guarded_block(node.body, caught=bool(node.handlers))
                for handler in node.handlers:
                    self._either(UNKNOWN, handler.body, [])
                self.block([*node.orelse, *node.finalbody])
            case ast.Match():
                evaluate(node.subject, self)
                for case in node.cases:
                    self._either(UNKNOWN, case.body, [])
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._functions[id(node)] = node
                self.scope.bind(node.name, self.make_function(node))
            case ast.ClassDef():
                self._functions |= {id(item): item for item in node.body}
            case ast.Import() | ast.ImportFrom():
                self._imports.statement(node, self._files[0].parent)
            case ast.Global() | ast.Nonlocal():
                self.scope.shared.update(node.names)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        evaluate(child, self)

    def _guarded_block(self, body: Sequence[ast.stmt], *, caught: bool) -> None:
        outer, self.effects.guarded = self.effects.guarded, self.effects.guarded or caught
        self.block(body)
        self.effects.guarded = outer

    def bind(self, target: ast.expr, value: Any) -> None:
        """Assign a value to names, to their parts, or to an item."""
        match target:
            case ast.Name(id=name):
                self.scope.bind(name, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                items = value if isinstance(value, (list, tuple)) and len(value) == len(targets) else None
                for index, inner in enumerate(targets):
                    starred = isinstance(inner, ast.Starred)
                    self.bind(inner, UNKNOWN if items is None or starred else items[index])
            case ast.Starred(value=inner):
                self.bind(inner, value)
            case ast.Subscript():
                container, index = evaluate(target.value, self), evaluate(target.slice, self)
                store(container, index, value)

    def _either(self, test: Any, body: Sequence[ast.stmt], otherwise: Sequence[ast.stmt]) -> None:
        """Take both ways; where the test is known, the names and results are those of its way."""
        before = dict(self.scope.names)
        current = self.facts.current
        returned = len(self._returns[-1]) if self._returns else 0
        # the way that is not taken now may be with other parameters: its tables count, what it asks for is not missing
        self._guarded_block(body, caught=is_known(test) and not test)
        first, in_first = dict(self.scope.names), self._taken(returned)
        first_current, self.facts.current = self.facts.current, current
        self.scope.names = before
        self._guarded_block(otherwise, caught=is_known(test) and bool(test))
        second, in_second = self.scope.names, self._taken(returned)
        if is_known(test):
            self.scope.names = first if test else second
            self.facts.current = first_current if test else self.facts.current
            kept = in_first if test else in_second
        else:
            names = first.keys() | second.keys()
            self.scope.names = {name: joined(first.get(name, UNKNOWN), second.get(name, UNKNOWN)) for name in names}
            if first_current != self.facts.current:
                self.facts.current = (None, None)
            kept = in_first + in_second
        if self._returns:
            self._returns[-1] += kept

    def _taken(self, returned: int) -> list[Any]:
        if not self._returns:
            return []
        found = self._returns[-1][returned:]
        del self._returns[-1][returned:]
        return found

    def _loop(self, node: ast.For | ast.AsyncFor) -> None:
        items = items_of(evaluate(node.iter, self))
        if items is None:
            self._forget(node.body)
            items = [UNKNOWN]
        for item in items:
            self.bind(node.target, item)
            self.block(node.body)
        self.block(node.orelse)

    def _forget(self, body: Sequence[ast.stmt]) -> None:
        """Names that a loop changes have no known value in it."""
        for statement in body:
            for inner in ast.walk(statement):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    self.scope.bind(inner.id, HOLE if isinstance(self.scope.find(inner.id), str) else UNKNOWN)
