"""The DAG files as source: where tasks, connections and Variables are named. Parsed, never executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.wiring.findings import Place

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
JINJA_VARIABLE = re.compile(r"\bvar\.(?:value|json)\.(?P<name>[A-Za-z_]\w*)")
JINJA_VARIABLE_GET = re.compile(r"\bvar\.(?:value|json)\.get\(\s*['\"](?P<name>[^'\"]+)['\"]\s*(?P<more>,)?")
JINJA_CONNECTION = re.compile(r"\bconn\.(?P<name>[A-Za-z_]\w*)")

HOOKS = frozenset({"S3Hook", "AwsGenericHook", "DatabricksHook", "DatabricksSqlHook"})
"""Hooks whose first argument is the connection."""

ReadText = Callable[[ast.expr | None], str | None]


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A connection or Variable that a DAG file names."""

    name: str
    place: Place


@dataclass(kw_only=True)
class DagSources:
    """What the files say; `tasks` holds the line of each task and of its arguments."""

    tasks: dict[tuple[Path, str], Mapping[str, Place]] = field(default_factory=dict)
    dags: dict[tuple[Path, str], Place] = field(default_factory=dict)
    connections: list[Mention] = field(default_factory=list)
    variables: list[Mention] = field(default_factory=list)
    """Variables that have no default where they are read."""
    assets: dict[str, Place] = field(default_factory=dict)
    """Where an asset is made, by its name and by its URI."""
    imports: dict[Path, set[Path]] = field(default_factory=dict)
    """The files of the folder that a file imports."""

    def reachable(self, files: Iterable[str]) -> set[Path]:
        """These files and all that they import: what else lies in the folder is nobody's."""
        waiting = [Path(file) for file in files]
        found: set[Path] = set()
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += self.imports.get(path, ())
        return found

    def task_place(self, file: str, task_id: str, argument: str = "", dag_id: str = "") -> Place:
        """The line of a task's argument, else of the task, else of its DAG."""
        path = Path(file)
        # a task in a group is called `group.task`
        lines = self.tasks.get((path, task_id)) or self.tasks.get((path, task_id.rpartition(".")[2])) or {}
        return lines.get(argument) or lines.get("") or self.dag_place(file, dag_id)

    def dag_place(self, file: str, dag_id: str) -> Place:
        """The line where a DAG is made; the first of its file when it is not found."""
        return self.dags.get((Path(file), dag_id)) or Place(file=Path(file))


@dataclass(frozen=True, kw_only=True)
class _Module:
    path: Path
    nodes: Sequence[ast.AST]
    texts: Mapping[str, str]
    imports: Mapping[str, tuple[str, str]]


def read_sources(dags: Path) -> DagSources:
    """Read every Python file of the DAG folder; one that does not parse is the import's business."""
    modules: dict[str, _Module] = {}
    for file in sorted(dags.rglob("*.py")):
        try:
            tree = ast.parse(file.read_text("utf-8-sig"), str(file))
        except (SyntaxError, OSError, ValueError):
            continue
        name = ".".join(file.relative_to(dags).with_suffix("").parts).removesuffix(".__init__")
        modules[name] = _Module(
            path=file, nodes=tuple(ast.walk(tree)), texts=dict(_texts(tree)), imports=dict(_imports(tree))
        )
    found = DagSources()
    for module in modules.values():
        _read_module(module, modules, found)
        found.imports[module.path] = {modules[name].path for name in _imported(module.nodes) if name in modules}
    return found


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of modules, also those that may be something in a module; imports inside of functions too."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                yield name, text


def _imports(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((alias.asname or alias.name, (node.module, alias.name)) for alias in node.names)


def _read_module(module: _Module, modules: Mapping[str, _Module], found: DagSources) -> None:
    def text(node: ast.expr | None) -> str | None:
        match node:
            case ast.Constant(value=str(value)):
                return value
            case ast.Name(id=name) if name in module.texts:
                return module.texts[name]
            case ast.Name(id=name) if name in module.imports:
                source, original = module.imports[name]
                other = modules.get(source)
                return other.texts.get(original) if other else None
        return None

    for node in module.nodes:
        match node:
            case ast.Call():
                _read_call(node, module.path, text, found)
            case ast.Constant(value=str(value)) if "{" in value:
                _read_template(value, Place(file=module.path, line=node.lineno), found)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for decorator in node.decorator_list:
                    if _last_name(decorator) == "dag":
                        found.dags.setdefault((module.path, node.name), Place(file=module.path, line=node.lineno))


def _read_call(node: ast.Call, path: Path, text: ReadText, found: DagSources) -> None:
    place = Place(file=path, line=node.lineno)
    keywords = {item.arg: item for item in node.keywords if item.arg}
    name = _last_name(node.func)
    first = text(node.args[0]) if node.args else None
    if "task_id" in keywords and (task_id := text(keywords["task_id"].value)):
        lines = {key: Place(file=path, line=item.value.lineno) for key, item in keywords.items()}
        found.tasks.setdefault((path, task_id), {"": place, **lines})
    for key, item in keywords.items():
        if key.endswith("conn_id") and (connection := text(item.value)):
            found.connections.append(Mention(name=connection, place=Place(file=path, line=item.value.lineno)))
    if name in ("DAG", "dag") and (dag_id := text(keywords["dag_id"].value) if "dag_id" in keywords else first):
        found.dags.setdefault((path, dag_id), place)
    if name in HOOKS and first:
        found.connections.append(Mention(name=first, place=place))
    if name == "get_connection" and first:
        found.connections.append(Mention(name=first, place=place))
    if name == "get" and isinstance(node.func, ast.Attribute):
        owner = _last_name(node.func.value)
        variable = first or text(keywords["key"].value if "key" in keywords else None)
        if owner == "Variable" and variable and len(node.args) < 2 and not {"default", "default_var"} & keywords.keys():
            found.variables.append(Mention(name=variable, place=place))
        if owner == "Connection" and first:
            found.connections.append(Mention(name=first, place=place))
    if name in ("Asset", "Dataset", "Model", "AssetAlias"):
        for value in (first, *(text(keywords[key].value) for key in ("name", "uri") if key in keywords)):
            if value:
                found.assets.setdefault(value, place)


def _read_template(value: str, place: Place, found: DagSources) -> None:
    for block in JINJA.findall(value):
        for mention in JINJA_VARIABLE.finditer(block):
            if mention["name"] != "get":
                found.variables.append(Mention(name=mention["name"], place=place))
        for mention in JINJA_VARIABLE_GET.finditer(block):
            if not mention["more"]:
                found.variables.append(Mention(name=mention["name"], place=place))
        for mention in JINJA_CONNECTION.finditer(block):
            if mention["name"] != "get":
                found.connections.append(Mention(name=mention["name"], place=place))


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Call(func=function):
            return _last_name(function)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
