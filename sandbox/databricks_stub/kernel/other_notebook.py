"""Other notebooks inside this kernel: %run in the same namespace, dbutils.notebook.run in one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from sandbox.databricks_stub.kernel.dbutils import DBUtils, NotebookExit
from sandbox.databricks_stub.notebook_source import executable, load
from sandbox.databricks_stub.workspace_paths import notebook_beside

KEPT = ("spark", "display", "displayHTML", "sqlContext", "__builtins__", "__name__")
"""What every notebook has from its beginning."""
Functions: TypeAlias = Callable[..., tuple[dict[str, Callable[..., Any]], dict[str, Callable[..., Any]]]]
"""The line magics and the cell magics of a notebook, by its `spark` and `dbutils`."""
_namespace_of_the_shell = threading.RLock()


def find(path: str, dbutils: DBUtils) -> Path:
    """The file of a notebook named by the one that runs, with or without its suffix."""
    beside = Path(dbutils.request["notebook_path"]).parent
    request = dbutils.request
    found = notebook_beside(path, beside, Path(request["project_root"]), repos=Path(request["repos"]))
    if found is None:
        where = f"in {dbutils.request['project_root']}" if path.startswith("/") else f"beside {beside}"
        raise FileNotFoundError(f"Notebook not found: {path} (looked {where})")
    return found


class InnerShell:
    """What `get_ipython()` is in a notebook that another one runs: the shell, with magics that mean this notebook."""

    def __init__(self, shell: Any, dbutils: DBUtils, functions: Functions) -> None:
        self._shell = shell
        self._namespace = dbutils.namespace
        self._lines, self._cells = functions(spark=dbutils.spark, dbutils=dbutils)

    def run_line_magic(self, name: str, line: str, *arguments: Any, **options: Any) -> Any:
        """A magic on a line: ours, or IPython's."""
        if name in self._lines:
            return self._lines[name](line)
        with self._as_the_shells():
            return self._shell.run_line_magic(name, line, *arguments, **options)

    def run_cell_magic(self, name: str, line: str, cell: str) -> Any:
        """A magic of a whole cell: ours, or IPython's."""
        if name in self._cells:
            return self._cells[name](line, cell)
        with self._as_the_shells():
            return self._shell.run_cell_magic(name, line, cell)

    @contextmanager
    def _as_the_shells(self) -> Iterator[None]:
        # IPython's own magics, such as %%time, execute in the shell's namespace
        with _namespace_of_the_shell:
            before = self._shell.user_ns
            self._shell.user_ns = self._namespace
            try:
                yield
            finally:
                self._shell.user_ns = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shell, name)


def run_here(path: str, arguments: dict[str, str], dbutils: DBUtils) -> None:
    """Execute every cell of another notebook in this one's namespace; its error is this one's."""
    dbutils.widgets.set(arguments)
    _execute(dbutils.shell, find(path, dbutils), dbutils.namespace)


def run_apart(path: str, arguments: dict[str, str], dbutils: DBUtils, *, functions: Functions) -> str:
    """Execute another notebook with names, widgets and magics of its own; returns what it exits with.

    `functions` makes the magics, which themselves may run other notebooks.
    Nothing of the shell changes for it: notebooks run others side by side, from threads.
    """
    file = find(path, dbutils)
    names = {name: dbutils.namespace[name] for name in KEPT if name in dbutils.namespace}
    inner = DBUtils(
        shell=dbutils.shell,
        namespace=names,
        spark=dbutils.spark,
        request=dbutils.request | {"parameters": arguments, "notebook_path": str(file)},
        run_apart=dbutils.run_apart,
        outer=dbutils,
    )
    shell = InnerShell(dbutils.shell, inner, functions)
    names.update(dbutils=inner, get_ipython=lambda: shell)
    try:
        _execute(dbutils.shell, file, names)
    except NotebookExit as leaving:
        return str(leaving)
    return ""


def _execute(shell: Any, file: Path, names: dict[str, Any]) -> None:
    for cell in executable(load(file)):
        # run_cell would show the error and go on; the code is compiled here so that an error ends the caller's cell too
        code = shell.transform_cell(cell.code)
        exec(compile("\n" * (cell.line - 1) + code, str(file), "exec"), names)
