"""`dbutils` in a notebook: widgets, notebook, secrets, jobs.taskValues, library, and fs (its own module).

Documented: https://docs.databricks.com/dev-tools/databricks-utils
"""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.dbutils_fs import FileSystem


def _write_json(file: Path, value: Any) -> None:
    """The file is whole at every moment: the kernel may be killed in the middle."""
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(value), encoding="utf-8")
    temporary.replace(file)


class NotebookExit(Exception):
    """Raised by dbutils.notebook.exit: ends the notebook well, its text is the notebook's result."""


class WidgetNotDefined(Exception):
    """A widget was read that neither the notebook nor the task defines."""


class Widgets:
    """Parameters: a task's value wins over the notebook's default."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = dict(given)
        self._defaults: dict[str, str] = {}

    def text(self, name: str, defaultValue: str = "", label: str | None = None) -> None:
        """Define a text widget."""
        del label
        self._defaults[name] = defaultValue

    def dropdown(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        """Define a widget that takes one of `choices`, its default among them; raises ValueError for another default.

        The choices are what a page offers: a task's value outside of them is taken.
        """
        # Assumed: nothing is documented about a job's value outside of the choices
        del label
        if defaultValue not in choices:
            raise ValueError(f"the default {defaultValue!r} of widget {name!r} is not one of {choices}")
        self._defaults[name] = defaultValue

    def combobox(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        """Define a widget that takes one of `choices` or any text."""
        del choices, label
        self._defaults[name] = defaultValue

    def multiselect(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        """Define a widget that takes several of `choices`, separated by commas."""
        del choices, label
        self._defaults[name] = defaultValue

    def get(self, name: str) -> str:
        """The value."""
        values = self._defaults | self._given
        if name not in values:
            raise WidgetNotDefined(
                f"No input widget named {name} is defined; defined are: {', '.join(values) or 'none'}"
            )
        return values[name]

    def getArgument(self, name: str, optional: str | None = None) -> str:
        """The value, or `optional` where there is no such widget; without it as `get`."""
        values = self.getAll()
        return optional if optional is not None and name not in values else self.get(name)

    def getAll(self) -> dict[str, str]:
        """All values by name."""
        return self._defaults | self._given

    def remove(self, name: str) -> None:
        """Forget a widget."""
        self._defaults.pop(name, None)

    def removeAll(self) -> None:
        """Forget all widgets."""
        self._defaults.clear()

    def set(self, values: dict[str, str]) -> None:
        """Override values (%run passes arguments this way)."""
        self._given |= values


class Notebook:
    """Leave the notebook, or run another one."""

    def __init__(self, dbutils: DBUtils) -> None:
        self._dbutils = dbutils

    def exit(self, value: Any = "") -> None:
        """End the notebook well, with a result."""
        print(f"Notebook exited: {value}")
        raise NotebookExit(str(value))

    def run(self, path: str, timeout_seconds: int = 0, arguments: dict[str, str] | None = None) -> str:
        """Execute another notebook in a namespace of its own and return what it exited with.

        It runs in this process; `timeout_seconds` is not watched apart from the task's own time limit.
        """
        del timeout_seconds
        return self._dbutils.run_apart(path, arguments or {}, self._dbutils)


class Secrets:
    """Secrets by scope and key; what was revealed is redacted from outputs."""

    def __init__(self, secrets: dict[str, dict[str, str]], file: Path) -> None:
        self._secrets = secrets
        self._file = file
        self._names: set[tuple[str, str]] = set()
        self.revealed: set[str] = set()

    def get(self, scope: str, key: str) -> str:
        """The secret's value."""
        try:
            value = self._secrets[scope][key]
        except KeyError:
            raise KeyError(f"Secret does not exist with scope: {scope} and key: {key}") from None
        if value:
            self.revealed.add(value)
            self._tell(scope, key)
        return value

    def _tell(self, scope: str, key: str) -> None:
        """Tell the workspace the name, so that it redacts the value in what it keeps of the notebook."""
        if (scope, key) not in self._names:
            self._names.add((scope, key))
            _write_json(self._file, sorted(self._names))

    def getBytes(self, scope: str, key: str) -> bytes:
        """The secret's value as UTF-8."""
        return self.get(scope, key).encode()

    def list(self, scope: str) -> list[str]:
        """The keys of a scope."""
        return sorted(self._secrets.get(scope, {}))

    def listScopes(self) -> builtins.list[str]:
        """The scopes."""
        return sorted(self._secrets)


class TaskValues:
    """Small values that tasks pass on."""

    def __init__(self, upstream: dict[str, dict[str, Any]], file: Path) -> None:
        self._upstream = upstream
        self._file = file
        self._own: dict[str, Any] = {}

    def set(self, key: str, value: Any) -> None:
        """Set a value of this task; it must be JSON."""
        _write_json(self._file, self._own | {key: value})
        self._own[key] = value

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:
        """A value of an earlier task; `debugValue` only counts outside of a job."""
        del debugValue
        found = self._upstream.get(taskKey, {})
        if key in found:
            return found[key]
        if default is not None:
            return default
        raise ValueError(f"No task value with key {key!r} was set by task {taskKey!r}, and there is no default")


class Jobs:
    """What belongs to jobs."""

    def __init__(self, values: TaskValues) -> None:
        self.taskValues = values


class Library:
    """Libraries of the notebook."""

    def restartPython(self) -> None:
        """Forget imported modules of what %pip installed, so that the next import finds the new ones.

        Databricks restarts the interpreter; here the process goes on, with its variables.
        """
        import importlib

        importlib.invalidate_caches()


class DBUtils:
    """The object that notebooks know as `dbutils`."""

    def __init__(
        self,
        *,
        shell: Any,
        namespace: dict[str, Any],
        spark: Any,
        request: dict[str, Any],
        run_apart: Callable[[str, dict[str, str], DBUtils], str],
        outer: DBUtils | None = None,
    ) -> None:
        """`namespace` holds the names of the notebook's code; `run_apart` executes another notebook for this one.

        `outer` is that of the notebook which runs this one: its secrets and task values are this task's too.
        """
        self.shell = shell
        self.namespace = namespace
        self.spark = spark
        self.request = request
        self.run_apart = run_apart
        self.widgets = Widgets(request["parameters"])
        self.notebook = Notebook(self)
        folder = Path(request["output_dir"])
        self.secrets: Secrets = (
            outer.secrets if outer else Secrets(request["secrets"], folder / "revealed_secrets.json")
        )
        self.fs = FileSystem(Path(request["dbfs"]))
        self.jobs: Jobs = outer.jobs if outer else Jobs(TaskValues(request["task_values"], folder / "task_values.json"))
        self.library = Library()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"dbutils.{name} does not exist in this workspace (process {os.getpid()})")
