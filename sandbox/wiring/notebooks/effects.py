"""The calls that matter: widgets, tables, SQL, volumes, other notebooks, secrets, task values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.databricks_stub.kernel.sql_text.widgets import CREATE_WIDGET, LEGACY_PARAMETER
from sandbox.wiring.findings import Place
from sandbox.wiring.notebooks.facts import Include, NotebookFacts
from sandbox.wiring.notebooks.sql import HOLE_WORD, SqlFacts
from sandbox.wiring.notebooks.values import HOLE, UNKNOWN, Dotted, Handle, as_text, is_known

WIDGET_MAKERS = frozenset({"text", "dropdown", "combobox", "multiselect"})
WIDGET_GETTERS = frozenset({"get", "getArgument"})
TABLE_WRITERS = frozenset({"saveAsTable", "insertInto", "writeTo", "toTable", "createTable", "createExternalTable"})
TEMP_VIEWS = frozenset({"createOrReplaceTempView", "createTempView", "registerTempTable"})
# what Databricks' SQL has and no parser knows
SQL_ARGUMENT = re.compile(r"""\bgetArgument\(\s*["'](?P<name>\w+)["']""", re.IGNORECASE)
SESSIONS = frozenset({"spark", "spark_session", "session", "sqlContext", "sparkSession", "getOrCreate()"})
READERS = frozenset({"read", "readStream"})
HANDLE_WRITERS = frozenset({"merge", "update", "updateAll", "delete", "restoreToVersion", "restoreToTimestamp"})


class Effects:
    """Turns calls into facts. `given` are the parameters that the notebook is called with."""

    def __init__(self, facts: NotebookFacts, given: Mapping[str, str], understand: Callable[[str], SqlFacts]) -> None:
        self.facts = facts
        self.given = dict(given)
        self.guarded = False
        """Inside of a `try`: a widget or task value that is not there is provided for."""
        self._understand = understand

    def call(self, path: str, arguments: Sequence[Any], keywords: Mapping[str, Any], place: Place) -> Any:
        """What a call of something that is not defined in the notebook gives; records what it does."""
        steps = path.split(".")
        last, owner = steps[-1], ".".join(steps[:-1])
        first = arguments[0] if arguments else None
        if owner.endswith("dbutils.widgets") or last == "getArgument":
            return self._widget(last, arguments, keywords, place)
        if owner.endswith("dbutils.notebook") and last == "run":
            self._child(arguments, keywords, place)
            return Dotted("?")
        if owner.endswith("dbutils.secrets") and last in ("get", "getBytes"):
            self._secret(arguments, keywords, place)
            return HOLE
        if owner.endswith("taskValues") and last == "get":
            self._task_value(arguments, keywords, place)
            return HOLE
        if last == "forName" and "DeltaTable" in steps:
            name = keywords.get("tableOrViewName", arguments[-1] if arguments else None)
            return Handle(name) if isinstance(name, str) else UNKNOWN
        if last == "tableName" and isinstance(first, str) and any("DeltaTable" in step for step in steps):
            self.facts.write(first, place)
        self._spark(steps, first, arguments, keywords, place)
        return Dotted(path).then("()")

    def _spark(
        self, steps: list[str], first: Any, arguments: Sequence[Any], keywords: Mapping[str, Any], place: Place
    ) -> None:
        last = steps[-1]
        before = steps[-2] if len(steps) > 1 else ""
        name = first if first is not None else next(iter(keywords.values()), None)
        if not isinstance(name, str):
            return
        if last == "table" and (before in SESSIONS or any(step.removesuffix("()") in READERS for step in steps)):
            self.facts.read(name, place)
            if "readStream" in steps and (table := self.facts.qualified(name)):
                self.facts.streams.add(table)
        elif last in TABLE_WRITERS:
            self.facts.write(name, place)
        elif last in TEMP_VIEWS:
            self.facts.temp_views.add(name.lower())
        elif last == "sql" and before in SESSIONS:
            self.sql(name, place, markers_are_widgets=False)
        elif last == "setCurrentCatalog":
            self._use("CATALOG", (name,))
        elif last == "setCurrentDatabase":
            self._use("SCHEMA", tuple(name.split(".")))

    def on_handle(self, handle: Handle, method: str, place: Place) -> Any:
        """A method of a DeltaTable."""
        if method in HANDLE_WRITERS:
            self.facts.write(handle.table, place)
            return Dotted(f"?.{method}()")
        if method == "toDF":
            self.facts.read(handle.table, place)
        return handle if method in ("alias", "as") else Dotted(f"?.{method}()")

    def sql(self, text: str, place: Place, *, markers_are_widgets: bool) -> None:
        """Statements; in a %sql cell `:name` and `${name}` are widgets."""
        if markers_are_widgets:
            for made in CREATE_WIDGET.finditer(text):
                self.facts.widgets_defined.setdefault(made["name"].strip("`"), (made["default"], place))
            for asked in SQL_ARGUMENT.finditer(text):
                self.facts.widgets_read.setdefault(asked["name"], place)
            for marker in LEGACY_PARAMETER.finditer(text):
                self._legacy_marker(marker[1], place)
            text = LEGACY_PARAMETER.sub(lambda marker: as_text(self.value_of(marker[1], HOLE)), text)
        found = self._understand(text.replace(HOLE, HOLE_WORD))
        if markers_are_widgets:
            for name in found.parameters:
                self.facts.widgets_read.setdefault(name, place)
        for path in found.volumes:
            self.facts.volume(path.replace(HOLE_WORD, HOLE), place)
        for kind, namespace in found.uses:
            self._use(kind, namespace)
        self.facts.temp_views.update(view.lower() for view in found.temp_views)
        for table in found.writes:
            self.facts.write(table, place)
        for table in found.reads:
            self.facts.read(table, place)

    def value_of(self, name: str, default: Any) -> Any:
        """The value of a widget."""
        if name in self.given:
            return self.given[name]
        return self.facts.widgets_defined[name][0] if name in self.facts.widgets_defined else default

    def _legacy_marker(self, name: str, place: Place) -> None:
        # `${…}` may be a setting of Spark as well: only one that is surely a widget counts as read
        if name in self.given or name in self.facts.widgets_defined:
            self.facts.widgets_read.setdefault(name, place)
        else:
            self.facts.maybe_read.add(name)

    def _use(self, kind: str, name: tuple[str, ...]) -> None:
        known = tuple(None if HOLE in part or HOLE_WORD in part else part for part in name)
        catalog, schema = self.facts.current
        if not known:  # USE SCHEMA IDENTIFIER(:name) may name a catalog, too
            catalog, schema = None, "default" if kind == "CATALOG" else None
        elif kind == "CATALOG":
            catalog, schema = known[0], "default"
        elif len(known) == 2:
            catalog, schema = known
        elif len(known) == 1:
            schema = known[0]
        self.facts.current = (catalog, schema)

    def _widget(self, method: str, arguments: Sequence[Any], keywords: Mapping[str, Any], place: Place) -> Any:
        name = keywords.get("name", arguments[0] if arguments else None)
        self.facts.asks_for_all_widgets |= method == "getAll"
        if method == "getAll" or (method in WIDGET_GETTERS and not (isinstance(name, str) and is_known(name))):
            self.facts.reads_any_widget = True
            return UNKNOWN
        if not isinstance(name, str):
            return UNKNOWN
        if method in WIDGET_MAKERS:
            default = keywords.get("defaultValue", arguments[1] if len(arguments) > 1 else "")
            self.facts.widgets_defined.setdefault(name, (as_text(default), place))
        elif method in WIDGET_GETTERS:
            # the older one takes what it shall give where there is no such widget
            has_default = method == "getArgument" and len(arguments) + len(keywords) > 1
            if self.guarded or has_default:
                self.facts.maybe_read.add(name)
            else:
                self.facts.widgets_read.setdefault(name, place)
            return self.value_of(name, HOLE)
        return UNKNOWN

    def _task_value(self, arguments: Sequence[Any], keywords: Mapping[str, Any], place: Place) -> None:
        key = keywords.get("taskKey", arguments[0] if arguments else None)
        # None is what it is without one
        default = keywords.get("default", arguments[2] if len(arguments) > 2 else None)
        if isinstance(key, str) and is_known(key) and default is None and not self.guarded:
            self.facts.task_values.setdefault(key, place)

    def _child(self, arguments: Sequence[Any], keywords: Mapping[str, Any], place: Place) -> None:
        path = keywords.get("path", arguments[0] if arguments else None)
        passed = keywords.get("arguments", arguments[2] if len(arguments) > 2 else {})
        if isinstance(path, str) and is_known(path):
            known = isinstance(passed, dict) and all(isinstance(key, str) for key in passed)
            named = tuple((key, as_text(value)) for key, value in passed.items()) if known else None
            self.facts.children.append(Include(place=place, path=path, arguments=named))

    def _secret(self, arguments: Sequence[Any], keywords: Mapping[str, Any], place: Place) -> None:
        scope = keywords.get("scope", arguments[0] if arguments else None)
        key = keywords.get("key", arguments[1] if len(arguments) > 1 else None)
        if isinstance(scope, str) and isinstance(key, str) and is_known([scope, key]):
            self.facts.secrets.setdefault((scope, key), place)
