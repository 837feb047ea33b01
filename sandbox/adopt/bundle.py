"""The defaults of a Databricks asset bundle: targets, variables, volumes, jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.adopt.files import text_of
from sandbox.adopt.model import Bundle

NAMES = ("databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml")


def read(path: Path) -> Bundle:
    """The bundle at `path` with its includes; a file that is no YAML counts as empty."""
    main = _yaml(path)
    parts = [main, *_includes(path, main)]
    targets = _merged(parts, "targets")
    default = next((name for name, body in targets.items() if _table(body).get("default") is True), None)
    resources = [_table(part.get("resources")) for part in parts]
    volumes = _merged(resources, "volumes")
    variables = {
        name: str(body["default"])
        for name, body in ((name, _table(body)) for name, body in _merged(parts, "variables").items())
        if isinstance(body.get("default"), (str, int))
    }
    if default:
        chosen = _table(_table(targets[default]).get("variables"))
        variables |= {name: str(value) for name, value in chosen.items() if isinstance(value, (str, int))}
    return Bundle(
        path=path,
        targets=tuple(targets),
        default_target=default,
        variables=variables,
        volumes=dict(_volumes(volumes, variables)),
        jobs=tuple(
            _filled(str(_table(body).get("name", key)), variables)
            for key, body in sorted(_merged(resources, "jobs").items())
        ),
    )


def _volumes(volumes: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, body in sorted(volumes.items()):
        volume = _table(body)
        parts = [str(volume.get(name, "")) for name in ("catalog_name", "schema_name")]
        name = ".".join(_filled(part, variables) for part in (*parts, str(volume.get("name", key))))
        if "$" not in name and all(parts):
            yield name, _filled(str(volume.get("storage_location", "")), variables)


def _filled(text: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        text = text.replace(f"${{var.{name}}}", value)
    return text


def _includes(path: Path, main: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for pattern in main.get("include") or ():
        for found in sorted(path.parent.glob(str(pattern))):
            if found.is_file():
                yield _yaml(found)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return _table(yaml.safe_load(text_of(path)))
    except yaml.YAMLError:
        return {}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _merged(parts: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return {key: value for part in parts for key, value in _table(part.get(name)).items()}
