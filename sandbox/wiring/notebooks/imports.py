"""What a notebook imports from Python files beside it: followed like its own code.

The notebook's folder is on `sys.path`, in the sandbox as on Databricks. What is not found there is somebody else's.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sandbox.databricks_stub.notebook_source import HEADER
from sandbox.wiring.findings import Place, close_to
from sandbox.wiring.notebooks.cells import read_python_file
from sandbox.wiring.notebooks.facts import BadImport, NotebookFacts
from sandbox.wiring.notebooks.values import Dotted, Module, Scope

# what a module may give that nobody sees in its text
DYNAMIC = frozenset({"__getattr__", "globals", "exec", "setattr"})


class Follower(Protocol):
    """What imports need of the interpreter that follows statements."""

    facts: NotebookFacts
    scope: Scope

    def place_of(self, node: ast.AST) -> Place:
        """Where the notebook itself says this."""

    def follow_apart(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Follow statements in another scope, as part of the present statement."""

    @property
    def guarded(self) -> bool:
        """Whether somebody catches what goes wrong here."""


class Imports:
    """The modules that were followed so far."""

    def __init__(self, at: Follower) -> None:
        self._at = at
        self._known: dict[Path, Module] = {}
        self._within: list[Path] = []

    def statement(self, node: ast.Import | ast.ImportFrom, folder: Path) -> None:
        """Give names to what is imported; `folder` is the notebook's."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._import(alias, node, folder)
        else:
            self._import_from(node, folder)

    def _import(self, alias: ast.alias, node: ast.AST, folder: Path) -> None:
        parts = alias.name.split(".")
        modules = self._load(parts, folder, node)
        if modules and len(modules) == len(parts):
            self._at.scope.bind(alias.asname or parts[0], modules[-1 if alias.asname else 0])
        else:
            self._at.scope.bind(alias.asname or parts[0], Dotted(alias.name if alias.asname else parts[0]))

    def _import_from(self, node: ast.ImportFrom, folder: Path) -> None:
        parts = node.module.split(".") if node.module else []
        if node.level:
            if not self._within:
                name = "." * node.level + ".".join(parts)
                self._refuse(node, name, "a notebook is in no package", "import it by its name")
                return
            folder = self._within[-1].parents[node.level - 1]
        modules = self._load(parts, folder, node) if parts else [self._module(folder, node)]
        found = modules[-1] if modules and len(modules) == max(len(parts), 1) else None
        for alias in node.names:
            if alias.name == "*" and found is not None:
                for name, value in found.scope.names.items():
                    if not name.startswith("_"):
                        self._at.scope.bind(name, value)
                continue
            name = alias.asname or alias.name
            self._at.scope.bind(name, Dotted(f"{node.module or ''}.{alias.name}"))
            if found is None:
                continue
            if alias.name in found.scope.names:
                self._at.scope.bind(name, found.scope.names[alias.name])
            elif inner := self._load([alias.name], found.folder, node) if found.folder else None:
                self._at.scope.bind(name, inner[0])
            elif found.names is not None and alias.name not in found.names:
                meant = close_to(alias.name, found.names)
                hint = f"did you mean {meant}?" if meant else "look at what the module defines"
                self._refuse(node, alias.name, f"{found.file} has no such name", hint)

    def _load(self, parts: Sequence[str], folder: Path, node: ast.AST) -> list[Module]:
        """The modules of a dotted name, as far as they are files beside the notebook."""
        found: list[Module] = []
        for at, part in enumerate(parts):
            place = folder.joinpath(*parts[: at + 1])
            file = next((each for each in (place / "__init__.py", place.parent / f"{part}.py") if each.is_file()), None)
            if file is None and not place.is_dir():
                if found and found[-1].file.is_file():
                    names = {each.stem for each in folder.joinpath(*parts[:at]).glob("*.py")}
                    meant = close_to(part, names)
                    hint = f"did you mean {meant}?" if meant else "the path of the file"
                    self._refuse(node, ".".join(parts), "there is no such file beside the notebook", hint)
                return found
            module = self._module(file or place, node)
            if found:
                found[-1].scope.names.setdefault(part, module)
            found.append(module)
        return found

    def _module(self, file: Path, node: ast.AST) -> Module:
        if file in self._known:
            return self._known[file]
        is_package = file.is_dir() or file.name == "__init__.py"
        folder = (file if file.is_dir() else file.parent) if is_package else None
        module = self._known[file] = Module(file=file, folder=folder)
        if file.is_dir():
            return module
        read = read_python_file(file)
        self._at.facts.problems += [problem for problem in read.problems if problem not in self._at.facts.problems]
        if not read.cells:
            return module
        tree = read.cells[0].tree
        assert tree is not None
        if file.read_text("utf-8-sig").startswith(HEADER[".py"]):
            self._refuse(node, file.stem, f"{file.name} is a notebook, which cannot be imported", "include it by %run")
        module.names = _names(tree)
        self._within.append(file)
        self._at.follow_apart(tree.body, module.scope)
        self._within.pop()
        return module

    def _refuse(self, node: ast.AST, subject: str, message: str, hint: str) -> None:
        if not self._at.guarded and not self._at.facts.changes_import_path:
            bad = BadImport(place=self._at.place_of(node), subject=subject, message=message, hint=hint)
            self._at.facts.bad_imports.setdefault((bad.place, subject), bad)


def _names(tree: ast.Module) -> frozenset[str] | None:
    """All names that a module may have; None when its text does not tell."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Import() | ast.ImportFrom():
                if any(alias.name == "*" for alias in node.names):
                    return None
                found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
    return None if found & DYNAMIC else frozenset(found | {"__name__", "__file__", "__doc__"})
