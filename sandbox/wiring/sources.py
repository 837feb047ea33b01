"""The DAG files as source: where tasks, connections and Variables are named. Parsed, never executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.wiring.dag_module import DagModule, is_foreign, is_plain, last_name, parse
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


def read_sources(dags: Path) -> DagSources:
    """Read every Python file of the DAG folder; one that does not parse is the import's business."""
    modules: dict[str, DagModule] = {}
    for file in sorted(dags.rglob("*.py")):
        try:
            module = parse(file)
        except (SyntaxError, OSError, ValueError):
            continue
        modules[".".join(file.relative_to(dags).with_suffix("").parts).removesuffix(".__init__")] = module
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


def _read_module(module: DagModule, modules: Mapping[str, DagModule], found: DagSources) -> None:
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
                if id(node) not in module.guarded:
                    _read_names(node, module, modules, text, found)
            case ast.Constant(value=str(value)) if "{" in value and id(node) not in module.prose:
                _read_template(value, Place(file=module.path, line=node.lineno), found)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for decorator in node.decorator_list:
                    if last_name(decorator) == "dag":
                        found.dags.setdefault((module.path, node.name), Place(file=module.path, line=node.lineno))
                    elif _first_name(decorator.func if isinstance(decorator, ast.Call) else decorator) == "task":
                        place = Place(file=module.path, line=node.lineno)
                        lines = _lines(decorator, module.path) if isinstance(decorator, ast.Call) else {}
                        found.tasks.setdefault((module.path, node.name), {"": place, **lines})


def _read_call(node: ast.Call, path: Path, text: ReadText, found: DagSources) -> None:
    """Tasks, DAGs and assets that a call makes."""
    place = Place(file=path, line=node.lineno)
    keywords = {item.arg: item for item in node.keywords if item.arg}
    name = last_name(node.func)
    first = text(node.args[0]) if node.args else None
    if "task_id" in keywords and (task_id := text(keywords["task_id"].value)):
        found.tasks.setdefault((path, task_id), {"": place, **_lines(node, path)})
    if name in ("DAG", "dag") and (dag_id := text(keywords["dag_id"].value) if "dag_id" in keywords else first):
        found.dags.setdefault((path, dag_id), place)
    if name in ("Asset", "Dataset", "Model", "AssetAlias"):
        for value in (first, *(text(keywords[key].value) for key in ("name", "uri") if key in keywords)):
            if value:
                found.assets.setdefault(value, place)


def _lines(call: ast.Call, path: Path) -> dict[str, Place]:
    """Where each named argument stands."""
    return {item.arg: Place(file=path, line=item.value.lineno) for item in call.keywords if item.arg}


def _first_name(node: ast.expr) -> str:
    """The first name of a dotted one."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _read_names(
    node: ast.Call, module: DagModule, modules: Mapping[str, DagModule], text: ReadText, found: DagSources
) -> None:
    """Connections and Variables that a call names."""
    place = Place(file=module.path, line=node.lineno)
    name = last_name(node.func)
    owner = last_name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    asks_hook = name == "get_connection" and _is_hook(node.func, module, modules)
    first = text(node.args[0]) if node.args else None
    if asks_hook or _takes_connections(node.func, module, modules):
        for item in node.keywords:
            if item.arg and item.arg.endswith("conn_id") and (connection := text(item.value)):
                where = Place(file=module.path, line=item.value.lineno)
                found.connections.append(Mention(name=connection, place=where))
    if first and (asks_hook or (name in HOOKS and not is_plain(name, module, modules))):
        found.connections.append(Mention(name=first, place=place))
    kind = module.imports.get(owner, ("", owner))[1]
    if name == "get" and kind in ("Variable", "Connection") and not is_foreign(owner, module, modules):
        names = [item.arg for item in node.keywords]
        key = first or next((text(item.value) for item in node.keywords if item.arg in ("key", "conn_id")), None)
        if key and kind == "Connection":
            found.connections.append(Mention(name=key, place=place))
        elif key and len(node.args) < 2 and not {"default", "default_var", None}.intersection(names):
            found.variables.append(Mention(name=key, place=place))


def _takes_connections(callee: ast.expr, module: DagModule, modules: Mapping[str, DagModule]) -> bool:
    """Whether `…conn_id=` of a call is Airflow's: an operator, a sensor, a hook, a notifier, a decorator of tasks.

    These are classes; a method of just any object may mean something else by the word.
    """
    if isinstance(callee, ast.Attribute) and callee.attr in ("partial", "override"):
        callee = callee.value
    name = last_name(callee)
    if name[:1].isupper():
        return not is_plain(name, module, modules)
    begins = _first_name(callee)
    source = module.imports.get(begins, ("", ""))[0]
    return begins == "task" or source.partition(".")[0] == "airflow"


def _is_hook(callee: ast.expr, module: DagModule, modules: Mapping[str, DagModule]) -> bool:
    """Whether the method is one of a hook: its class, an object made of it, or the hook's own class around."""
    owner = callee.value if isinstance(callee, ast.Attribute) else None
    if owner is None:
        return False
    name = last_name(owner)
    if name in ("self", "cls", "super"):
        name = module.owners.get(id(callee), "")
    name = module.made.get(name, name)
    if name in module.classes or module.imports.get(name, ("",))[0] in modules:
        return not is_plain(name, module, modules)
    return name.endswith("Hook")


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
