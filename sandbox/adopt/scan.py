"""Reads a repository: every DAG file, notebook, bundle and list of packages, once."""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from sandbox.adopt import bundle, dag_source, notebook_source, packages
from sandbox.adopt.files import files, is_test, text_of
from sandbox.adopt.ignored import is_ignored
from sandbox.adopt.model import Findings, Named, Notebook, Place

ENVIRONMENT = re.compile(r"\bAIRFLOW_VAR_([A-Z0-9_]+)\b['\"]?\s*[:=]\s*['\"]?([^'\"#\n]*)")
SECRET_WORDS = re.compile(r"secret|password|passwd|token|key|credential", re.IGNORECASE)


def scan(root: Path) -> Findings:
    """Read the repository at `root` (absolute). Nothing is executed, nothing is written."""
    paths = list(files(root))
    trees = {
        path: tree
        for path, tree in _trees(root, paths)
        # what it only imports counts nevertheless
        if not (dag_source.is_dag_file(tree) and is_ignored(path, root))
    }
    dag_trees = {path: tree for path, tree in trees.items() if dag_source.is_dag_file(tree)}
    known = {path.stem: dag_source.constants(tree) for path, tree in trees.items()}
    assets = {path.stem: dag_source.assets(tree, known[path.stem]) for path, tree in trees.items()}
    folder = dag_folder(root, dag_trees.keys())
    beside = {path: tree for path, tree in trees.items() if folder and path.is_relative_to(folder)}
    bundles = [path for path in paths if path.name in bundle.NAMES]
    bundles.sort(key=lambda path: (len(path.parts), path))
    return Findings(
        root=root,
        dag_files=tuple(dag_source.read(path, root, tree, known, assets) for path, tree in dag_trees.items()),
        dag_folder=folder,
        helpers=tuple(
            dag_source.read(path, root, tree, known, assets) for path, tree in beside.items() if path not in dag_trees
        ),
        notebooks=tuple(_notebooks(root, paths)),
        bundle=bundle.read(bundles[0]) if bundles else None,
        other_bundles=tuple(bundles[1:]),
        wanted=packages.read(root, paths),
        environment=dict(_environment(root, paths)),
        local_modules=frozenset(
            name for path in paths if path.suffix == ".py" for name in (path.stem, *path.relative_to(root).parts[:-1])
        ),
    )


def dag_folder(root: Path, paths: Collection[Path]) -> Path | None:
    """The folder that Airflow is to parse: the one called `dags` above the files, else their common folder."""
    if not paths:
        return None
    named = Counter(parent for path in paths for parent in path.parents if parent.name == "dags")
    if named:
        return max(named, key=lambda folder: (named[folder], -len(folder.parts)))
    common = Path(os.path.commonpath([path.parent for path in paths]))
    if common != root or any(path.parent == root for path in paths):
        return common
    tops = Counter(root / path.relative_to(root).parts[0] for path in paths)
    return max(sorted(tops), key=lambda folder: tops[folder])


def _trees(root: Path, paths: list[Path]) -> Iterator[tuple[Path, ast.Module]]:
    for path in paths:
        if path.suffix != ".py" or is_test(path, root):
            continue
        text = text_of(path)
        if not notebook_source.is_notebook(path, text) and (tree := dag_source.parse(text)) is not None:
            yield path, tree


def _notebooks(root: Path, paths: list[Path]) -> Iterator[Notebook]:
    for path in paths:
        if path.suffix in (".ipynb", ".py", ".sql") and not is_test(path, root):
            text = text_of(path)
            if notebook_source.is_notebook(path, text):
                yield notebook_source.read(path, root, text)


def _environment(root: Path, paths: list[Path]) -> Iterator[tuple[str, Named]]:
    """Values of Variables that files of the repository set, except those whose name speaks of a secret."""
    for path in paths:
        if path.suffix not in (".yaml", ".yml", ".env", ".sh") and "dockerfile" not in path.name.lower():
            continue
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            for name, value in ENVIRONMENT.findall(line):
                if value.strip() and "$" not in value and not SECRET_WORDS.search(name):
                    place = Place(file=str(path.relative_to(root)), line=number)
                    yield name.lower(), Named(name=name.lower(), detail=value.strip(), place=place)
