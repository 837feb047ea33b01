"""What a DAG file names, from its syntax tree; nothing of it is executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.adopt.model import DagFile, Named, Place

S3_ADDRESS = re.compile(r"s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?=/|$)")
JSON_VARIABLE = re.compile(r"var\.json\.(?:get\(\s*['\"])?(\w+)")
TEMPLATE_VARIABLE = re.compile(r"var\.(?:value|json)\.(?:get\(\s*['\"])?(\w+)")
BUCKET_ARGUMENTS = ("bucket_name", "bucket", "Bucket", "s3_bucket", "dest_bucket_name", "source_bucket_name")
ASSETS = ("Asset", "Dataset")
HOOKS = {"S3Hook": "aws", "AwsBaseHook": "aws", "DatabricksHook": "databricks", "DatabricksSqlHook": "databricks"}
"""Hooks whose first argument is a connection."""

Constants = Mapping[str, str]


def parse(text: str) -> ast.Module | None:
    """The syntax tree, or None where the text is not of a Python that we have."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def constants(tree: ast.Module) -> dict[str, str]:
    """The texts that a module gives names to at its top."""
    found = {}
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text)))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text)))
            ):
                found[name] = text
    return found


def is_dag_file(tree: ast.Module) -> bool:
    """Whether a module makes DAGs: it imports airflow, and calls `DAG` or decorates with `dag`."""
    imported = any(module.partition(".")[0] == "airflow" for module, _ in _imports(tree))
    return imported and any(True for _ in _dag_ids(tree, {}))


def imported(tree: ast.Module, known: Mapping[str, Constants]) -> dict[str, str]:
    """What a module imports of what `known` has of the other modules, by their last names."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            there = known.get(node.module.rpartition(".")[2], {})
            found |= {item.asname or item.name: there[item.name] for item in node.names if item.name in there}
    return found


def read(
    path: Path, root: Path, tree: ast.Module, known: Mapping[str, Constants], known_assets: Mapping[str, Constants]
) -> DagFile:
    """What the module at `path` names; `known` and `known_assets` have texts and assets of the repository's modules."""
    own = imported(tree, known) | constants(tree)
    reader = _Reader(str(path.relative_to(root)), own)
    modules = list(_imports(tree))
    providers = {_provider(module) for module, _ in modules if module.startswith("airflow.providers.")}
    held = imported(tree, known_assets) | assets(tree, own)
    return DagFile(
        path=path,
        dag_ids=tuple(reader.named(name, line) for name, line in _dag_ids(tree, own)),
        connections=tuple(reader.connections(tree)),
        variables=tuple(reader.variables(tree)),
        json_variables=frozenset(reader.json_variables(tree)),
        pools=tuple(reader.keyword_values(tree, ("pool",))),
        buckets=tuple(reader.buckets(tree)),
        jobs=frozenset(item.name for item in reader.keyword_values(tree, ("job_name",))),
        imports=tuple(reader.named(module.partition(".")[0], line) for module, line in modules),
        providers=frozenset(providers),
        outlets=frozenset(_asset_names(tree, "outlets", held)),
        schedules=frozenset(_asset_names(tree, "schedule", held)),
    )


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Modules that are imported when the code runs, with their lines."""
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((item.name, node.lineno) for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno


def _provider(module: str) -> str:
    """`cncf-kubernetes` of airflow.providers.cncf.kubernetes.operators.pod."""
    parts = module.split(".")[2:]
    kinds = ("hooks", "operators", "sensors", "triggers", "transfers", "notifications", "decorators", "utils")
    end = next((at for at, part in enumerate(parts) if part in kinds), 1)
    # amazon's modules stand one level deeper than its name
    return "amazon" if parts[0] == "amazon" else "-".join(parts[:end])


def _callee(node: ast.AST) -> str:
    match node:
        case ast.Call(func=func):
            return _callee(func)
        case ast.Attribute(attr=attr):
            return attr
        case ast.Name(id=name):
            return name
        case _:
            return ""


def _text(node: ast.AST | None, own: Constants) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return own.get(name)
        case _:
            return None


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _dag_ids(tree: ast.Module, own: Constants) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _callee(node) == "DAG":
            given = next((word.value for word in node.keywords if word.arg == "dag_id"), None)
            yield _text(given or (node.args[0] if node.args else None), own) or "", node.lineno
        elif isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if _callee(decorator) != "dag":
                    continue
                words = decorator.keywords if isinstance(decorator, ast.Call) else []
                given = next((word.value for word in words if word.arg == "dag_id"), None)
                yield _text(given, own) or node.name, node.lineno


def assets(tree: ast.Module, own: Constants) -> dict[str, str]:
    """The names of a module that hold an asset, by the asset's first argument."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _callee(node.value) in ASSETS:
            name = _asset(node.value, own)
            found |= {target.id: name for target in node.targets if isinstance(target, ast.Name) and name}
    return found


def _asset(node: ast.AST, own: Constants) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    given = next((word.value for word in node.keywords if word.arg in ("name", "uri")), None)
    return _text(node.args[0] if node.args else given, own)


def _asset_names(tree: ast.Module, argument: str, assets: Mapping[str, str]) -> Iterator[str]:
    """The assets in an argument of any call, as far as they can be told."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == argument:
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.Name) and inner.id in assets:
                    yield assets[inner.id]
                elif isinstance(inner, ast.Call) and _callee(inner) in ASSETS and (name := _asset(inner, {})):
                    yield name


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


class _Reader:
    """Finds named things in a tree and says where."""

    def __init__(self, file: str, own: Constants) -> None:
        self._file = file
        self._own = own

    def named(self, name: str, line: int, detail: str = "") -> Named:
        return Named(name=name, detail=detail, place=Place(file=self._file, line=line))

    def keyword_values(self, tree: ast.Module, names: tuple[str, ...]) -> Iterator[Named]:
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in names and (text := _text(node.value, self._own)):
                yield self.named(text, node.value.lineno)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if _text(key, {}) in names and (text := _text(value, self._own)):
                        yield self.named(text, value.lineno)

    def connections(self, tree: ast.Module) -> Iterator[Named]:
        for node in ast.walk(tree):
            pairs: list[tuple[str | None, ast.expr]] = []
            if isinstance(node, ast.keyword):
                pairs = [(node.arg, node.value)]
            elif isinstance(node, ast.Dict):
                pairs = [(_text(key, {}), value) for key, value in zip(node.keys, node.values, strict=True)]
            elif isinstance(node, ast.Call) and node.args:
                called = _callee(node)
                if called in HOOKS:
                    pairs = [(f"{HOOKS[called]}_conn_id", node.args[0])]
                elif called in ("get_connection", "get_hook"):
                    pairs = [("conn_id", node.args[0])]
            for argument, value in pairs:
                if argument and argument.endswith("conn_id") and not _is_none(value):
                    text = _text(value, self._own)
                    yield self.named(text or "", value.lineno, argument.removesuffix("conn_id").rstrip("_"))

    def variables(self, tree: ast.Module) -> Iterator[Named]:
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="Variable"), attr="get"), args=[first, *rest]):
                    words = {word.arg: word.value for word in node.keywords}
                    default = words.get("default", words.get("default_var", rest[0] if rest else None))
                    yield self.named(_text(first, self._own) or "", node.lineno, _text(default, self._own) or "")
                case ast.Constant(value=str(text)):
                    yield from (self.named(name, node.lineno) for name in TEMPLATE_VARIABLE.findall(text))

    def json_variables(self, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="Variable"), attr="get"), args=[first, *_]):
                    if any(word.arg == "deserialize_json" and not _is_false(word.value) for word in node.keywords):
                        yield _text(first, self._own) or ""
                case ast.Constant(value=str(text)):
                    yield from JSON_VARIABLE.findall(text)

    def buckets(self, tree: ast.Module) -> Iterator[Named]:
        for item in self.keyword_values(tree, BUCKET_ARGUMENTS):
            if "{" not in item.name:
                yield item
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from (self.named(name, node.lineno) for name in S3_ADDRESS.findall(node.value))
