"""The connections and Variables that DAGs name are defined."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, Place, close_to, listed
from sandbox.wiring.rules.base import Rule


def _connections(facts: Facts) -> Iterator[Finding]:
    known = facts.settings.connections
    named: dict[str, Place] = {}
    by_default: dict[str, Place] = {}
    for mention in facts.sources.connections:
        if mention.place.file not in facts.dag_files:
            continue
        named.setdefault(mention.name, mention.place)
    for dag in facts.dags:
        for task in dag["operators"]:
            for argument, name in task["connections"].items():
                place = facts.sources.task_place(dag["file"], task["task_id"], argument, dag["dag_id"])
                # the default of an operator that nobody wrote down
                (by_default if name.endswith("_default") else named).setdefault(name, place)
    for name, place in {**by_default, **named}.items():
        if name in known or "{" in name:
            continue
        variable = f"AIRFLOW_CONN_{name.upper()}"
        meant = close_to(name, known)
        hint = f"did you mean {meant!r}?" if meant else f"add it to airflow.connections, which has {listed(known)}"
        if variable in facts.environ:
            message = (
                f"the connection {name!r} is defined by this shell's {variable} only, which does not reach the sandbox"
            )
            yield CONNECTION.warning(place, name, message, f"add it to airflow.connections as {name}")
        elif name not in named:
            message = f"the connection {name!r}, an operator's default, is not defined"
            yield CONNECTION.warning(place, name, message, hint)
        else:
            yield CONNECTION.error(place, name, f"the connection {name!r} is not defined", hint)


def _variables(facts: Facts) -> Iterator[Finding]:
    known = facts.settings.variables
    seen: set[tuple[str, Place]] = set()
    for mention in facts.sources.variables:
        name = mention.name
        if name in known or (name, mention.place) in seen or mention.place.file not in facts.dag_files:
            continue
        seen.add((name, mention.place))
        variable = f"AIRFLOW_VAR_{name.upper()}"
        if variable in facts.environ:
            message = (
                f"the Variable {name!r} is defined by this shell's {variable} only, which does not reach the sandbox"
            )
            yield VARIABLE.warning(mention.place, name, message, f"add it to airflow.variables as {name}")
            continue
        meant = close_to(name, known)
        hint = (
            f"did you mean {meant!r}?"
            if meant
            else "add it to airflow.variables, or give it a default where it is read"
        )
        yield VARIABLE.error(mention.place, name, f"the Variable {name!r} is not defined and has no default here", hint)


CONNECTION = Rule(id="connection-defined", title="every connection that a DAG names is defined", check=_connections)
VARIABLE = Rule(
    id="variable-defined", title="every Variable that a DAG reads is defined or has a default", check=_variables
)
