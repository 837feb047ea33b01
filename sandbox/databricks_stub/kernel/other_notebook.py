"""Other notebooks inside this kernel: %run in the same namespace, dbutils.notebook.run in one of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.dbutils import DBUtils, NotebookExit
from sandbox.databricks_stub.notebook_source import executable, load

SUFFIXES = ("", ".py", ".ipynb", ".sql")


def find(path: str, beside: Path) -> Path:
    """The file of a notebook named relative to another one, with or without its suffix."""
    for suffix in SUFFIXES:
        candidate = (beside / f"{path}{suffix}").resolve()
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"Notebook not found: {path} (looked beside {beside})")


def run_here(path: str, arguments: dict[str, str], dbutils: DBUtils) -> None:
    """Execute every cell of another notebook in this one's namespace; its error is this one's."""
    dbutils.widgets.set(arguments)
    _execute(dbutils.shell, find(path, Path(dbutils.request["notebook_path"]).parent))


def run_apart(path: str, arguments: dict[str, str], dbutils: DBUtils) -> str:
    """Execute another notebook with names and widgets of its own; returns what it exits with."""
    from sandbox.databricks_stub.kernel.magics import register

    shell = dbutils.shell
    file = find(path, Path(dbutils.request["notebook_path"]).parent)
    request = dbutils.request | {"parameters": arguments, "notebook_path": str(file)}
    inner = DBUtils(shell=shell, spark=dbutils.spark, request=request, outer=dbutils)
    outer_names = dict(shell.user_ns)
    kept = {"spark", "display", "displayHTML", "sqlContext", "get_ipython", "__builtins__", "__name__"}
    shell.user_ns.clear()
    shell.user_ns.update({name: value for name, value in outer_names.items() if name in kept}, dbutils=inner)
    register(shell, spark=dbutils.spark, dbutils=inner)
    try:
        _execute(shell, file)
    except NotebookExit as leaving:
        return str(leaving)
    finally:
        shell.user_ns.clear()
        shell.user_ns.update(outer_names)
        register(shell, spark=dbutils.spark, dbutils=dbutils)
    return ""


def _execute(shell: Any, file: Path) -> None:
    for cell in executable(load(file)):
        # run_cell would show the error and go on; the code is compiled here so that an error ends the caller's cell too
        code = shell.transform_cell(cell.code)
        exec(compile("\n" * (cell.line - 1) + code, str(file), "exec"), shell.user_ns)
