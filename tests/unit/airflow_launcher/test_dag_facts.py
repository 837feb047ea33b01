"""What an operator says of itself, from its attributes."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.airflow_launcher.dag_facts import LATER, asset_facts, operator_facts, schedule_assets

Operator = type("RunNow", (), {"__module__": "airflow.providers.databricks.operators.databricks"})


def made(kind: type, **attributes: Any) -> Any:
    """An operator with these attributes."""
    operator = kind()
    vars(operator).update({"task_id": "t", "outlets": []} | attributes)
    return operator


def test_a_job_by_arguments_or_by_json() -> None:
    """Older releases of the provider keep the arguments in one field."""
    own = type("Own", (Operator,), {"__module__": "dags"})

    newer = operator_facts(made(own, job_name="j", job_parameters={"a": "1"}))
    older = operator_facts(made(Operator, json={"job_name": "j", "job_parameters": {"a": "1"}}))

    assert newer["databricks"] == older["databricks"] == {"job_name": "j", "job_parameters": {"a": "1"}}


def test_a_mapped_operator_is_known_by_what_partial_got() -> None:
    """Its class and its arguments."""
    mapped = made(type("Mapped", (), {}), operator_class=Operator, partial_kwargs={"job_name": "j", "x_conn_id": "c"})

    facts = operator_facts(mapped)

    assert (facts["databricks"], facts["connections"]) == ({"job_name": "j"}, {"x_conn_id": "c"})


def test_the_pool_and_the_other_dags_of_a_task() -> None:
    """As they are written, of a mapped operator what `partial` got."""
    plain = operator_facts(made(Operator, pool="slow", trigger_dag_id="other", external_dag_id=None))
    mapped = operator_facts(made(type("Mapped", (), {}), partial_kwargs={"pool": "slow", "external_dag_id": "other"}))

    assert (plain["pool"], plain["dags"]) == ("slow", {"trigger_dag_id": "other"})
    assert (mapped["pool"], mapped["dags"]) == ("slow", {"external_dag_id": "other"})


@pytest.mark.parametrize(
    ("value", "later"),
    [
        ({"notebook_params": [{"a": 1}], "retries": [1]}, {"notebook_params"}),
        ([{"job_name": "x"}, {"retries": 1}], {"job_name"}),
        (SimpleNamespace(), {"job_parameters", "notebook_params"}),
    ],
    ids=["expand", "expand_kwargs", "of another task"],
)
def test_what_is_mapped_is_known_later(value: object, later: set[str]) -> None:
    """Each of the mapped tasks has its own; what `partial` got holds for all."""
    mapped = made(
        type("Mapped", (), {}),
        operator_class=Operator,
        partial_kwargs={"source": "GIT"},
        expand_input=SimpleNamespace(value=value),
        task_group=SimpleNamespace(notebook_params={"b": 1}, parent_group=None),
    )

    found = operator_facts(mapped)["databricks"]

    assert {name for name, given in found.items() if given == LATER} == later
    assert found["source"] == "GIT"


def test_a_workflow_group_passes_parameters() -> None:
    """They win over the task's own, as when it runs; groups around the group count as well."""
    outer = SimpleNamespace(notebook_params={"a": "outer"}, parent_group=None)
    group = SimpleNamespace(parent_group=outer)

    facts = operator_facts(made(Operator, notebook_params={"a": "own", "b": "own"}, task_group=group))

    assert facts["databricks"] == {"notebook_params": {"a": "outer", "b": "own"}}


def test_a_function_has_a_place() -> None:
    """That of the function, not of what it is wrapped in."""

    def function() -> None:
        """The task."""

    @functools.wraps(function)
    def wrapper() -> None:
        """Around it."""

    facts = operator_facts(made(type("Python", (), {}), python_callable=wrapper))

    assert facts["place"] == [__file__, function.__code__.co_firstlineno]
    assert facts["databricks"] is None


def test_a_schedule_is_taken_apart() -> None:
    """However its conditions are nested; a schedule without assets has none."""
    a, b, c = (SimpleNamespace(name=name, uri=f"x://{name}") for name in "abc")
    either = SimpleNamespace(objects=[b, SimpleNamespace(objects=(c,))])

    found = schedule_assets(SimpleNamespace(asset_condition=SimpleNamespace(objects=[a, either])))

    assert [item["name"] for item in found] == ["a", "b", "c"]
    assert schedule_assets(SimpleNamespace()) == []


def test_assets_aliases_and_references() -> None:
    """By the names of their classes, which have moved between releases."""
    kinds = {name: type(name, (SimpleNamespace,), {}) for name in ("Asset", "AssetAlias", "AssetUriRef")}

    assert asset_facts(kinds["Asset"](name="a", uri="x://a", watchers=[1])) == {
        "kind": "asset",
        "name": "a",
        "uri": "x://a",
        "watched": True,
    }
    assert asset_facts(kinds["AssetAlias"](name="a"))["kind"] == "alias"
    assert asset_facts(kinds["AssetUriRef"](uri="x://a"))["kind"] == "reference"
