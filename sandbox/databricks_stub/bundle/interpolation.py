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
    """What references can name: `variables` and `resources` are Nodes (they may hold references), `values` are final.

    `job_id` gives the id of a job of the bundle; `resource_id` that of anything else which a deployment would make.
    """

    variables: Mapping[str, Node]
    values: Mapping[str, Any]
    job_id: Callable[[str], int | None]
    resources: Node | None = None
    resource_id: Callable[[str, str], str] = lambda kind, key: f"{kind}.{key}"


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
        key, _, inner = rest.removesuffix(".value").partition(".")
        if key not in scope.variables:
            known = ", ".join(sorted(scope.variables)) or "none"
            raise node.error(f"${{{name}}}: variable {key!r} has no value (variables with a value: {known})")
        value = scope.variables[key].get(*filter(None, inner.split(".")))
        if value is None:
            raise node.error(f"${{{name}}}: variable {key!r} has no field {inner!r}")
        return interpolated(value, scope, (*trail, name))
    if name in scope.values:
        return replace(node, value=scope.values[name])
    parts = name.split(".")
    if parts[:2] == ["resources", "jobs"] and len(parts) == 4 and parts[3] == "id":
        job_id = scope.job_id(parts[2])
        if job_id is None:
            raise node.error(f"${{{name}}}: the bundle has no job {parts[2]!r}")
        return replace(node, value=job_id)
    if parts[0] == "resources" and parts[1:2] != ["jobs"] and len(parts) >= 4 and scope.resources is not None:
        found = _of_resource(name, parts, scope, trail)
        if found is not None:
            return replace(node, value=found)
    raise node.error(
        f"${{{name}}} cannot be resolved (known: var.…, resources.….….id, {', '.join(sorted(scope.values))})"
    )


def _of_resource(name: str, parts: list[str], scope: Scope, trail: tuple[str, ...]) -> Any:
    """A field of a schema, volume, pipeline or other resource as written, or the id that a deployment would give it."""
    assert scope.resources is not None
    resource = scope.resources.get(*parts[1:3])
    if resource is None:
        return None
    given = resource.get(*parts[3:])
    if given is not None:
        return interpolated(given, scope, (*trail, name)).value
    # Assumed: nobody looks at the id of a resource that this workspace does not make
    return scope.resource_id(parts[1], parts[2]) if parts[3:] == ["id"] else None
