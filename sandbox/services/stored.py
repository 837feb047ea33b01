"""A ServiceContext as JSON and back: what a backend remembers between commands."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.config import Config
from sandbox.paths import StatePaths
from sandbox.services.spec import Credentials, ServiceContext


def to_plain(value: Any) -> Any:
    """Paths, settings and dataclasses as JSON has them."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Config):
        # what somebody has set stays told apart from what is so by default
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


def context_from(data: Mapping[str, Any]) -> ServiceContext:
    """The context that `to_plain` wrote."""
    return ServiceContext(
        config=Config.model_validate(data["config"]),
        paths=StatePaths(project=Path(data["paths"]["project"]), name=data["paths"]["name"]),
        credentials=Credentials(**data["credentials"]),
        ports=data["ports"],
        interpreters={name: Path(path) for name, path in data["interpreters"].items()},
        runtime_keys=data["runtime_keys"],
        tool_interpreter=Path(data["tool_interpreter"]),
        cache=Path(data["cache"]),
        hosts=data["hosts"],
        published=data["published"],
        bind=data["bind"],
    )
