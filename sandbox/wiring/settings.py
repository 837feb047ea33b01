"""The settings that the rules look at, and a way to have them without reading the whole configuration each time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.config import Config

CONFIG_MODULES = Path(__file__).parents[1] / "config"


@dataclass(frozen=True, kw_only=True)
class WiringSettings:
    """Names and places; of secrets, connections and Variables only what they are called."""

    dags: str
    bundle: str
    bundle_target: str
    catalog: str
    schemas: tuple[str, ...]
    volumes: Mapping[str, str]
    secrets: tuple[str, ...]
    """`scope/key` of each."""
    buckets: tuple[str, ...]
    connections: tuple[str, ...]
    variables: tuple[str, ...]
    pools: tuple[str, ...]
    ignore: tuple[str, ...]

    @classmethod
    def of(cls, config: Config) -> WiringSettings:
        """Those of a configuration."""
        return cls(
            dags=config.project.dags,
            bundle=config.project.bundle,
            bundle_target=config.project.bundle_target,
            catalog=config.databricks.catalog,
            schemas=config.databricks.schemas,
            volumes=dict(config.databricks.volumes),
            secrets=tuple(f"{scope}/{key}" for scope, keys in config.databricks.secrets.items() for key in keys),
            buckets=config.s3.buckets,
            connections=tuple(config.airflow.connections),
            variables=tuple(config.airflow.variables),
            pools=tuple(config.airflow.pools),
            ignore=config.wiring.ignore,
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> WiringSettings:
        """The opposite of dataclasses.asdict, after a way through JSON."""
        read: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**read)


def signature(project: Path, environ: Mapping[str, str]) -> str:
    """Changes whenever what the configuration is made from may have changed: file, variables, the model itself."""
    file = project / "sandbox.toml"
    digest = hashlib.sha256(file.read_bytes() if file.is_file() else b"")
    for name in sorted(environ):
        if name.startswith("SANDBOX_"):
            digest.update(f"{name}={environ[name]}\n".encode())
    for module in sorted(CONFIG_MODULES.glob("*.py")):
        digest.update(f"{module}={module.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()
