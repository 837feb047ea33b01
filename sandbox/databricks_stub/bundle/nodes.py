"""YAML values that remember their file and line, and how they are merged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

KEYED_LISTS = {
    "tasks": "task_key",
    "job_clusters": "job_cluster_key",
    "parameters": "name",
    "environments": "environment_key",
}
"""Documented: https://docs.databricks.com/dev-tools/bundles/ - lists that are merged by key; others are appended."""


class BundleError(Exception):
    """The bundle cannot be used; the message begins with file:line:column."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One YAML value; `value` is a dict of Nodes, a list of Nodes or a scalar."""

    value: Any
    where: str
    file: Path

    def error(self, message: str) -> BundleError:
        """What is wrong with this value."""
        return BundleError(f"{self.where}: {message}")

    def get(self, *keys: str) -> Node | None:
        """The value under these keys, or None."""
        found: Node | None = self
        for key in keys:
            if found is None or not isinstance(found.value, dict):
                return None
            found = found.value.get(key)
        return found

    def mapping(self) -> dict[str, Node]:
        """The value as a mapping; an empty value is an empty one."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.error(f"expected a mapping, found {type(self.value).__name__}")
        return self.value

    def items(self) -> list[Node]:
        """The value as a list."""
        if not isinstance(self.value, list):
            raise self.error(f"expected a list, found {type(self.value).__name__}")
        return self.value


def read(path: Path, *, shown_as: str) -> Node:
    """The file's one document as a Node; errors name the file as `shown_as`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{shown_as}: cannot be read: {error}") from error
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise BundleError(f"{shown_as}:1:1: the file is empty")
        return _convert(loader, root, path, shown_as)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise BundleError(f"{shown_as}{place}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise BundleError(f"{shown_as}: {error}") from error
    finally:
        loader.dispose()


def _convert(loader: yaml.SafeLoader, node: yaml.Node, path: Path, shown_as: str) -> Node:
    where = f"{shown_as}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
    value: Any
    if isinstance(node, yaml.MappingNode):
        _refuse_duplicates(node, shown_as)
        loader.flatten_mapping(node)
        value = {str(loader.construct_object(key)): _convert(loader, item, path, shown_as) for key, item in node.value}
    elif isinstance(node, yaml.SequenceNode):
        value = [_convert(loader, item, path, shown_as) for item in node.value]
    else:
        value = loader.construct_object(node)
    return Node(value=value, where=where, file=path)


def _refuse_duplicates(node: yaml.MappingNode, shown_as: str) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen and key.value != "<<":
            raise BundleError(
                f"{shown_as}:{key.start_mark.line + 1}:{key.start_mark.column + 1}: key {key.value!r} is set twice"
            )
        seen.add(key.value)


def merged(base: Node, over: Node, key: str = "") -> Node:
    """`over` laid on `base`: mappings key by key, lists appended (KEYED_LISTS by their key), scalars replaced."""
    if over.value is None:
        return base
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        value: Any = dict(base.value)
        for name, item in over.value.items():
            value[name] = merged(value[name], item, name) if name in value else item
        return replace(base, value=value)
    if isinstance(base.value, list) and isinstance(over.value, list):
        return replace(base, value=_merged_lists(base.value, over.value, KEYED_LISTS.get(key)))
    return over


def _merged_lists(base: list[Node], over: list[Node], identity: str | None) -> list[Node]:
    if identity is None:
        return [*base, *over]
    by_key: dict[Any, Node] = {}
    for item in (*base, *over):
        name = item.get(identity)
        key = name.value if name is not None else id(item)
        by_key[key] = merged(by_key[key], item) if key in by_key else item
    return list(by_key.values())


def plain(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value
