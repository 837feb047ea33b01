"""The magics of Databricks notebooks as IPython magics: %sql %run %pip %sh %fs %skip; others fail loudly.

Documented: https://docs.databricks.com/notebooks/notebooks-code#mix-languages
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.dbutils import DBUtils
from sandbox.databricks_stub.kernel.display import display

FS_COMMANDS = ("ls", "head", "put", "cp", "mv", "rm", "mkdirs")


class UnsupportedMagic(Exception):
    """A language or magic that this workspace cannot execute."""


class CommandFailed(Exception):
    """A shell or pip command ended with an error."""


def register(shell: Any, *, spark: Any, dbutils: DBUtils) -> None:
    """Put the magics into the shell, in place of those that IPython has under the same names."""

    def sql(line: str, cell: str | None = None) -> None:
        # IPython would show what a magic returns; the result is named _sqldf, as on Databricks
        statements = [part for part in split_statements(cell if cell is not None else line) if part.strip()]
        for statement in statements:
            result = spark.sql(statement)
            shell.user_ns["_sqldf"] = result
            if result.columns:
                display(result)

    def run(line: str) -> None:
        from sandbox.databricks_stub.kernel.other_notebook import run_here

        path, arguments = parse_run(line)
        run_here(path, arguments, dbutils)

    def fs(line: str) -> Any:
        command, *arguments = shlex.split(line)
        if command not in FS_COMMANDS:
            raise UnsupportedMagic(f"%fs {command} is not supported; there are: {', '.join(FS_COMMANDS)}")
        result = getattr(dbutils.fs, command)(*[_boolean(argument) for argument in arguments])
        if isinstance(result, list):
            for item in result:
                print(item.path, item.size)
        else:
            print(result)

    def pip(line: str) -> None:
        install(line, Path(dbutils.request["output_dir"]) / "site-packages")

    lines: dict[str, Callable[[str], Any]] = {"run": run, "fs": fs, "pip": pip, "sql": sql}
    for name, function in lines.items():
        shell.register_magic_function(function, magic_kind="line", magic_name=name)
    cells: dict[str, Callable[..., Any]] = {
        "sql": sql,
        "sh": lambda line, cell: shell_command(f"{line}\n{cell}"),
        "skip": lambda line, cell: None,
        "scala": unsupported("scala"),
        "r": unsupported("r"),
    }
    for name, function in cells.items():
        shell.register_magic_function(function, magic_kind="cell", magic_name=name)


def unsupported(language: str) -> Callable[[str, str], None]:
    """A cell magic that says that it cannot be executed."""

    def fail(line: str, cell: str) -> None:
        raise UnsupportedMagic(f"this workspace executes Python, SQL and shell cells, not %{language}")

    return fail


def parse_run(line: str) -> tuple[str, dict[str, str]]:
    """`./shared $name="value"` as the path and the arguments."""
    path, *rest = shlex.split(line)
    arguments = {}
    for word in rest:
        name, equals, value = word.removeprefix("$").partition("=")
        if not word.startswith("$") or not equals:
            raise UnsupportedMagic(f'%run takes a path and arguments of the form $name="value", not {word!r}')
        arguments[name] = value
    return path, arguments


def split_statements(text: str) -> list[str]:
    """SQL statements separated by semicolons outside of quotes and comments."""
    statements: list[str] = []
    current = ""
    quote = ""
    index = 0
    while index < len(text):
        two, one = text[index : index + 2], text[index]
        if not quote and two in ("--", "/*"):
            end = text.find("\n" if two == "--" else "*/", index)
            stop = len(text) if end < 0 else end + (0 if two == "--" else 2)
            current += text[index:stop] if two == "/*" else ""
            index = stop
            continue
        if quote and one == "\\":
            current += two
            index += 2
            continue
        if one in "'\"`":
            quote = "" if quote == one else quote or one
        if one == ";" and not quote:
            statements.append(current)
            current = ""
        else:
            current += one
        index += 1
    return [*statements, current]


def shell_command(script: str) -> None:
    """Run a script with bash; its output is the cell's, a failure is the cell's failure."""
    done = subprocess.run(["bash", "-e", "-c", script], capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    if done.returncode != 0:
        raise CommandFailed(f"%sh ended with exit code {done.returncode}")


def install(line: str, folder: Path) -> None:
    """`%pip install …` into a folder of this run only: the runtime is shared and locked."""
    words = shlex.split(line)
    if not words or words[0] != "install":
        raise UnsupportedMagic(f"%pip {line}: only `%pip install …` is supported")
    uv = os.environ.get("SANDBOX_UV", "uv")
    command = [uv, "pip", "install", "--python", sys.executable, "--target", str(folder), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="")
    if done.returncode != 0:
        raise CommandFailed(f"%pip {line} ended with exit code {done.returncode}")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _boolean(word: str) -> Any:
    return {"true": True, "false": False}.get(word.lower(), word)
