"""The magics of Databricks notebooks as IPython magics: %sql %run %pip %sh %fs %skip; others fail loudly.

Documented: https://docs.databricks.com/notebooks/notebooks-code#mix-languages
"""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.dbutils import DBUtils, Widgets
from sandbox.databricks_stub.kernel.display import display
from sandbox.databricks_stub.kernel.other_notebook import find, run_here
from sandbox.databricks_stub.kernel.sql_text import markers
from sandbox.databricks_stub.kernel.sql_text.quoting import sql_string
from sandbox.databricks_stub.kernel.sql_text.widgets import LEGACY_PARAMETER, created, removed

FS_COMMANDS = ("ls", "head", "put", "cp", "mv", "rm", "mkdirs")
FS_RECURSIVE = ("cp", "mv", "rm")


class UnsupportedMagic(Exception):
    """A language or magic that this workspace cannot execute."""


class CommandFailed(Exception):
    """A shell or pip command ended with an error."""


def register(shell: Any, *, spark: Any, dbutils: DBUtils) -> None:
    """Put the magics into the shell, in place of those that IPython has under the same names."""
    lines, cells = functions(spark=spark, dbutils=dbutils)
    for kind, found in (("line", lines), ("cell", cells)):
        for name, function in found.items():
            shell.register_magic_function(function, magic_kind=kind, magic_name=name)


def functions(*, spark: Any, dbutils: DBUtils) -> tuple[dict[str, Callable[..., Any]], dict[str, Callable[..., Any]]]:
    """The line magics and the cell magics of the notebook that has this `dbutils`, by name."""

    def sql(line: str, cell: str | None = None) -> None:
        # IPython would show what a magic returns; the result is named _sqldf, as on Databricks
        text = "\n".join(part for part in (line, cell) if part)
        for statement in filter(str.strip, split_statements(text)):
            if widget_statement(statement, dbutils.widgets):
                continue
            # one by one: the statement before may have made the widget
            result = spark.sql(with_widgets(statement, dbutils.widgets.getAll()))
            dbutils.namespace["_sqldf"] = result
            if result.columns:
                display(result)

    def run(line: str) -> None:
        path, arguments = parse_run(line)
        here = dbutils.request["notebook_path"]
        # what the other notebook includes is beside itself, not beside this one
        dbutils.request["notebook_path"] = str(find(path, dbutils))
        try:
            run_here(dbutils.request["notebook_path"], arguments, dbutils)
        finally:
            dbutils.request["notebook_path"] = here

    def fs(line: str) -> None:
        command, arguments = parse_fs(line)
        result = getattr(dbutils.fs, command)(*arguments)
        if isinstance(result, list):
            import pandas

            display(pandas.DataFrame(result, columns=["path", "name", "size", "modificationTime"]))
        else:
            print(result)

    def pip(line: str) -> None:
        install(line, Path(dbutils.request["output_dir"]) / "site-packages")

    lines: dict[str, Callable[..., Any]] = {"run": run, "fs": fs, "pip": pip, "sql": sql}
    cells: dict[str, Callable[..., Any]] = {
        "sql": sql,
        "sh": lambda line, cell: shell_command(f"{line}\n{cell}" if line else cell),
        "skip": lambda line, cell: None,
        "scala": unsupported("scala"),
        "r": unsupported("r"),
    }
    return lines, cells


def unsupported(language: str) -> Callable[[str, str], None]:
    """A cell magic that says that it cannot be executed."""

    def fail(line: str, cell: str) -> None:
        raise UnsupportedMagic(f"this workspace executes Python, SQL and shell cells, not %{language}")

    return fail


def widget_statement(statement: str, widgets: Widgets) -> bool:
    """Execute CREATE WIDGET or REMOVE WIDGET; False for any other statement."""
    if made := created(statement):
        widgets.text(*made)
        return True
    if (name := removed(statement)) is not None:
        widgets.remove(name)
        return True
    return False


def with_widgets(statement: str, widgets: dict[str, str]) -> str:
    """The statement with `:name` as a quoted literal and the older `${name}` as text, for widgets that there are."""
    # Documented: https://docs.databricks.com/notebooks/widgets - both forms, the latter is deprecated
    text = LEGACY_PARAMETER.sub(lambda found: widgets.get(found[1], found[0]), statement)
    return markers.bound(text, {name: sql_string(str(value)) for name, value in widgets.items()})


def parse_fs(line: str) -> tuple[str, list[Any]]:
    """`rm -r dbfs:/a` as the function of dbutils.fs and its arguments."""
    words = shlex.split(line)
    if not words or words[0] not in FS_COMMANDS:
        raise UnsupportedMagic(f"%fs {line} is not supported; there are: {', '.join(FS_COMMANDS)}")
    command, *rest = words
    arguments: list[Any] = [word for word in rest if word not in ("-r", "--recurse")]
    if command in FS_RECURSIVE:
        return command, [_boolean(word) for word in arguments] + [True] * (len(arguments) < len(rest))
    return command, [*arguments[:2], *(_boolean(word) for word in arguments[2:])]


def parse_run(line: str) -> tuple[str, dict[str, str]]:
    """`./shared $name="value"  # why` as the path and the arguments; UnsupportedMagic for anything else."""
    path, *rest = shlex.split(line, comments=True) or [""]
    if not path:
        raise UnsupportedMagic("%run names no notebook")
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
    """Run a script with bash and show what it says while it runs; only with `-e` its failure is the cell's failure."""
    # Documented: https://docs.databricks.com/notebooks/notebooks-code#mix-languages - "add the -e option" to fail
    first, _, rest = script.lstrip().partition("\n")
    strict = first.split()[:1] == ["-e"]
    if strict:
        script = f"{first.split('-e', 1)[1].strip()}\n{rest}"
    code = _follow(["bash", *(["-e"] if strict else []), "-c", script])
    if code != 0 and strict:
        raise CommandFailed(f"%sh ended with exit code {code}")
    if code != 0:
        print(f"exit code {code}", file=sys.stderr)


def _follow(command: list[str]) -> int:
    """Print a command's output as it comes; ends the command when the notebook is interrupted."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
            return process.wait()
        except BaseException:
            process.kill()
            raise


def install(line: str, folder: Path) -> None:
    """`%pip install …` into a folder of this run only: the runtime is shared and locked."""
    words = shlex.split(line)
    if not words or words[0] != "install":
        raise UnsupportedMagic(f"%pip {line}: only `%pip install …` is supported")
    uv = os.environ.get("SANDBOX_UV", "uv")
    try:
        code = _follow([uv, "pip", "install", "--python", sys.executable, "--target", str(folder), *words[1:]])
    except FileNotFoundError:
        raise CommandFailed(f"%pip needs uv, and there is no {uv}; name it in the variable SANDBOX_UV") from None
    if code != 0:
        raise CommandFailed(f"%pip {line} ended with exit code {code}")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def _boolean(word: str) -> Any:
    return {"true": True, "false": False}.get(word.lower(), word)
