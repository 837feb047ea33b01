"""What DAGs are scheduled on: assets, and aliases, which stand for assets that a task names while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.clients.airflow import AirflowClient
from sandbox.clients.http import ApiAnswer
from sandbox.follow.expression import alias_in_words


@dataclass(frozen=True, kw_only=True)
class Source:
    """An asset, or an alias with the ids of the assets that it has stood for so far.

    `name` is the asset's URI, or the alias in the words of `missing`.
    """

    name: str
    producers: frozenset[str]
    consumers: tuple[str, ...]
    stands_for: frozenset[int] = frozenset()


def sources(airflow: AirflowClient) -> list[Source]:
    """All assets, then all aliases."""
    return [*map(_asset, airflow.assets()), *aliases(airflow)]


def aliases(airflow: AirflowClient) -> list[Source]:
    """All aliases that a task may add assets to or a DAG is scheduled on; none where Airflow does not tell of them."""
    try:
        graph = airflow.dependencies()
    except ApiAnswer:  # the UI's API is no public one, and a later Airflow may have another
        return []
    names = {node["id"]: str(node["label"]) for node in graph["nodes"] if node["type"] == "asset-alias"}
    into: dict[str, list[str]] = {node: [] for node in names}
    out_of: dict[str, list[str]] = {node: [] for node in names}
    for edge in graph["edges"]:
        into.get(edge["target_id"], []).append(edge["source_id"])
        out_of.get(edge["source_id"], []).append(edge["target_id"])
    return [
        Source(
            name=alias_in_words(name),
            producers=frozenset(_ids("dag:", into[node])),
            consumers=tuple(sorted(_ids("dag:", out_of[node]))),
            stands_for=frozenset(map(int, _ids("asset:", into[node] + out_of[node]))),
        )
        for node, name in names.items()
    ]


def producers(asset: Mapping[str, Any]) -> frozenset[str]:
    """The DAGs with a task that publishes an asset of the REST API."""
    return frozenset(task["dag_id"] for task in asset.get("producing_tasks", []))


def _asset(asset: Mapping[str, Any]) -> Source:
    # Airflow 3.0.2 says consuming_dags
    scheduled = asset.get("scheduled_dags", asset.get("consuming_dags", []))
    return Source(
        name=str(asset["uri"]),
        producers=producers(asset),
        consumers=tuple(item["dag_id"] for item in scheduled),
    )


def _ids(kind: str, nodes: list[str]) -> list[str]:
    return [node.removeprefix(kind) for node in nodes if node.startswith(kind)]
