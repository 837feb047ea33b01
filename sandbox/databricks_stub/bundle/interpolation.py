"""`${…}` references in a bundle: variables, bundle, workspace and the ids of jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.databricks_stub.bundle.nodes import Node, plain

# Documented: https://docs.databricks.com/dev-tools/bundles/variables - letters, digits, _ and - in dotted names.
REFERENCE = re.compile(r"\$\{([a-zA-Z][\w-]*(?:\.[\w-]+)*(?:\[\d+\])*)\}")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What references can name: `variables` are Nodes (they may hold references), `values` are final."""

    variables: Mapping[str, Node]
    values: Mapping[str, Any]
    job_id: Callable[[str], int | None]


def interpolated(node: Node, scope: Scope, trail: tuple[str, ...] = ()) -> Node:
    """The node with every reference replaced; raises BundleError at the place of one that names nothing."""
    if isinstance(node.value, dict):
        return replace(node, value={key: interpolated(item, scope, trail) for key, item in node.value.items()})
    if isinstance(node.value, list):
        return replace(node, value=[interpolated(item, scope, trail) for item in node.value])
    if not isinstance(node.value, str):
        return node
    if whole := REFERENCE.fullmatch(node.value):
        found = _resolve(whole[1], node, scope, trail)
        return replace(node, value=found.value)
    return replace(node, value=REFERENCE.sub(lambda match: _text(match[1], node, scope, trail), node.value))


def _text(name: str, node: Node, scope: Scope, trail: tuple[str, ...]) -> str:
    value = plain(_resolve(name, node, scope, trail))
    if isinstance(value, dict | list):
        raise node.error(f"${{{name}}} is not a scalar, so it cannot be part of a text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resolve(name: str, node: Node, scope: Scope, trail: tuple[str, ...]) -> Node:
    if name in trail:
        raise node.error(f"variables refer to each other in a circle: {' -> '.join((*trail, name))}")
    head, _, rest = name.partition(".")
    if head == "var" or name.startswith("variables."):
        key = rest.removesuffix(".value")
        if key not in scope.variables:
            known = ", ".join(sorted(scope.variables)) or "none"
            raise node.error(f"${{{name}}}: variable {key!r} has no value (variables with a value: {known})")
        return interpolated(scope.variables[key], scope, (*trail, name))
    if name in scope.values:
        return replace(node, value=scope.values[name])
    parts = name.split(".")
    if parts[:2] == ["resources", "jobs"] and len(parts) == 4 and parts[3] == "id":
        job_id = scope.job_id(parts[2])
        if job_id is None:
            raise node.error(f"${{{name}}}: the bundle has no job {parts[2]!r}")
        return replace(node, value=job_id)
    raise node.error(
        f"${{{name}}} cannot be resolved (known: var.…, resources.jobs.….id, {', '.join(sorted(scope.values))})"
    )
