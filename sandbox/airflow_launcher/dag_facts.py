"""What a parsed DAG says about the world beside Airflow: assets, connections, Databricks jobs; as plain values.

Operators are read by their attributes, never by being run. A value that is a template or comes from another task stays
the text that it is: whoever judges it knows that it is known only later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

DATABRICKS_PROVIDER = "airflow.providers.databricks."
DATABRICKS_FIELDS = (
    "job_id",
    "job_name",
    "job_parameters",
    "notebook_params",
    "notebook_path",
    "source",
    "task_config",
    "tasks",
    "notebook_task",
)
"""What the operators of the provider call what they run; the older ones keep some of it in one field `json`."""
DAG_FIELDS = ("trigger_dag_id", "external_dag_id")
"""What operators call another DAG that they start or wait for."""
PARAMETERS = ("job_parameters", "notebook_params")
LATER = "{{ mapped }}"
"""What each mapped task has for itself: like a template, it is known when the task runs."""


def schedule_assets(timetable: Any) -> list[dict[str, Any]]:
    """The assets, aliases and references to assets that a DAG waits for."""
    found = [asset_facts(leaf) for leaf in _leaves(getattr(timetable, "asset_condition", None))]
    return [item for item in found if item["name"] or item["uri"]]


def _leaves(condition: Any) -> Iterator[Any]:
    """What stands in the ANDs and ORs of a condition; the methods that walk it are not those of every release."""
    objects = getattr(condition, "objects", None)
    if objects is None:
        yield condition
        return
    for item in objects:
        yield from _leaves(item)


def asset_facts(asset: Any) -> dict[str, Any]:
    """{"kind": "asset"|"alias"|"reference", "name", "uri", "watched"}."""
    kind = type(asset).__name__
    kind = "alias" if kind.endswith("Alias") else "reference" if kind.endswith("Ref") else "asset"
    return {
        "kind": kind,
        "name": getattr(asset, "name", None),
        "uri": getattr(asset, "uri", None),
        "watched": bool(getattr(asset, "watchers", ())),
    }


def operator_facts(task: Any) -> dict[str, Any]:
    """One task: operator, connections and other DAGs by argument, pool, outlets, line if it is a function, job."""
    given = fields(task)
    return {
        "task_id": task.task_id,
        "operator": getattr(task, "task_type", type(task).__name__),
        "place": _place(given.get("python_callable")),
        "connections": dict(_connections(given)),
        "pool": given.get("pool"),
        "dags": {name: given[name] for name in DAG_FIELDS if isinstance(given.get(name), str)},
        "outlets": [asset_facts(outlet) for outlet in given.get("outlets") or ()],
        "databricks": _databricks(task, given),
    }


def fields(task: Any) -> dict[str, Any]:
    """The attributes of an operator; of a mapped one, what was given to `partial` too."""
    return dict(vars(task)) | dict(getattr(task, "partial_kwargs", None) or {})


def _connections(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(given.items()):
        if name.endswith("conn_id") and isinstance(value, str):
            yield name, value


def _mapped(task: Any) -> Iterator[str]:
    """The fields that mapped tasks are given by `expand`; of `expand_kwargs` those that its value may hold."""
    value = getattr(getattr(task, "expand_input", None), "value", None)
    if isinstance(value, Mapping):
        yield from (name for name in DATABRICKS_FIELDS if name in value)
    elif isinstance(value, (list, tuple)) and all(isinstance(item, Mapping) for item in value):
        yield from (name for name in DATABRICKS_FIELDS if any(name in item for item in value))
    elif value is not None:
        yield from PARAMETERS


def _place(function: Any) -> list[Any] | None:
    """File and line of a task that is a function, as far as decorators let one see it."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    return [code.co_filename, code.co_firstlineno] if code is not None else None


def _databricks(task: Any, given: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = getattr(task, "operator_class", None) or type(task)
    if not isinstance(kind, type) or not any(base.__module__.startswith(DATABRICKS_PROVIDER) for base in kind.__mro__):
        return None
    inner = given.get("json")
    found = {name: given[name] for name in DATABRICKS_FIELDS if given.get(name)}
    if isinstance(inner, Mapping):
        found = {name: inner[name] for name in DATABRICKS_FIELDS if inner.get(name)} | found
    found = dict.fromkeys(_mapped(task), LATER) | found
    group = getattr(task, "task_group", None)
    while group is not None:
        # a workflow group hands its own parameters to the notebooks in it
        own = found.get("notebook_params", {})
        if isinstance(shared := getattr(group, "notebook_params", None), Mapping) and isinstance(own, Mapping):
            found["notebook_params"] = {**own, **shared}
        group = getattr(group, "parent_group", None)
    return found
