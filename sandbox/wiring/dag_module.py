"""One file of the DAG folder, parsed: its names, its classes, and what of it cannot fail or is prose."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PLAIN_BASES = frozenset(
    {"object", "ABC", "Protocol", "Generic", "NamedTuple", "TypedDict", "Enum", "StrEnum", "BaseModel", "BaseSettings"}
)
"""Classes that make no hook and no operator of those that inherit from them."""


@dataclass(frozen=True, kw_only=True)
class DagModule:
    """`name` is what other files of the folder import it as; the sets hold ids of nodes."""

    path: Path
    nodes: Sequence[ast.AST]
    texts: Mapping[str, str]
    """The names that stand for a text."""
    imports: Mapping[str, tuple[str, str]]
    """For each imported name the module and the name there."""
    classes: Mapping[str, tuple[str, ...]]
    """The names of each class's bases."""
    made: Mapping[str, str]
    """For names that are given an object, the class that was called for it."""
    owners: Mapping[int, str]
    """For what stands inside of a class its name."""
    guarded: frozenset[int]
    """What stands where somebody catches what goes wrong."""
    prose: frozenset[int]
    """Texts that nobody reads but people."""


def parse(file: Path) -> DagModule:
    """Raises SyntaxError, OSError or ValueError for what is no Python file."""
    tree = ast.parse(file.read_text("utf-8-sig"), str(file))
    nodes = tuple(ast.walk(tree))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    return DagModule(
        path=file,
        nodes=nodes,
        texts=dict(_texts(tree)),
        imports=dict(_imports(nodes)),
        classes={node.name: tuple(map(last_name, node.bases)) for node in classes},
        made=dict(_made(nodes)),
        owners={id(inner): node.name for node in classes for inner in ast.walk(node)},
        guarded=frozenset(id(inner) for part in _guarded(nodes) for inner in ast.walk(part)),
        prose=frozenset(
            id(node.value) for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ),
    )


def is_plain(
    name: str, module: DagModule, modules: Mapping[str, DagModule], below: tuple[tuple[Path, str], ...] = ()
) -> bool:
    """Whether a class is one of the folder's own that inherits from nothing that Airflow could know."""
    here = (module.path, name)
    if here in below:
        return True  # classes that inherit from each other: Python refuses them
    if name in module.classes:
        bases = module.classes[name]
        return all(base in PLAIN_BASES or is_plain(base, module, modules, (*below, here)) for base in bases)
    source, original = module.imports.get(name, ("", ""))
    return source in modules and is_plain(original, modules[source], modules, (*below, here))


def is_foreign(name: str, module: DagModule, modules: Mapping[str, DagModule]) -> bool:
    """Whether a name comes from a library that is not Airflow, or is a class of the folder's own."""
    source = module.imports.get(name, ("airflow", ""))[0]
    known = source.partition(".")[0] == "airflow" or source in modules
    return name in module.classes or not known


def last_name(node: ast.expr) -> str:
    """The last name of a dotted one, of what is called or subscripted."""
    match node:
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return last_name(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                yield name, text


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((alias.asname or alias.name, (node.module, alias.name)) for alias in node.names)


def _made(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        match node:
            case (
                ast.Assign(targets=[target], value=ast.Call(func=function))
                | ast.AnnAssign(target=target, value=ast.Call(func=function))
                | ast.NamedExpr(target=target, value=ast.Call(func=function))
                | ast.withitem(context_expr=ast.Call(func=function), optional_vars=ast.expr() as target)
            ):
                yield last_name(target), last_name(function)


def _guarded(nodes: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    for node in nodes:
        match node:
            case ast.Try(handlers=[_, *_], body=body) | ast.TryStar(handlers=[_, *_], body=body):
                yield from body
            case ast.With(items=items, body=body) if any(last_name(item.context_expr) == "suppress" for item in items):
                yield from body
