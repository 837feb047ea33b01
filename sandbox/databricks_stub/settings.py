"""What the workspace is told when it starts: one JSON file, read into a frozen value; the token comes by environment.

The file's keys are the fields of `Settings`; unknown keys, missing keys and wrong types are all reported at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN_VARIABLE = "SANDBOX_DATABRICKS_TOKEN"
KEY_DIGITS = 16
WAREHOUSE_ID = "sandbox0warehous"
WAREHOUSE_PATH = f"/sql/1.0/warehouses/{WAREHOUSE_ID}"
"""Where clients of the SQL warehouse post to; any other id would do as well."""


def page_key(token: str) -> str:
    """The value of `?o=` that opens the pages: digits, as Databricks's workspace id, but derived from the token.

    It stands in run_page_url, which Airflow shows; it opens pages only, never the API, and cannot be
    turned back into the token.
    """
    digest = hmac.new(token.encode(), b"sandbox workspace pages", hashlib.sha256).digest()
    return str(int.from_bytes(digest[:8]) % 10**KEY_DIGITS).zfill(KEY_DIGITS)


class SettingsError(Exception):
    """The workspace's configuration file cannot be used; the message lists every problem."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A Unity Catalog volume: `catalog.schema.name`, kept in `location` (`s3://bucket/prefix/` or a folder)."""

    name: str
    location: str

    @property
    def path(self) -> str:
        """Where notebooks see it: `/Volumes/<catalog>/<schema>/<volume>`."""
        return "/Volumes/" + self.name.replace(".", "/")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Which Spark engine notebooks use: its kind, the interpreter that runs kernels, and its Spark Connect address."""

    name: str
    python: Path
    remote: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the workspace needs to know about its sandbox.

    `state_dir` holds the database and every run's outputs; `project_root` is what `/Workspace/...` paths and notebooks
    of the bundle are read from; `warehouse_dir` holds managed tables; `runtime_dir` is a short path for Unix sockets.
    `warehouses` are the names under which clients find the one SQL warehouse. `bundle_required` is whether a bundle
    that does not exist is a mistake.
    `public_url` is where a browser on this machine finds it, `peer_hosts` are its names among other containers.
    """

    host: str = "127.0.0.1"
    port: int
    public_url: str = ""
    peer_hosts: tuple[str, ...] = ()
    state_dir: Path
    project_root: Path
    bundle: Path | None = None
    bundle_target: str = "local"
    bundle_required: bool = True
    catalog: str = "projects"
    schemas: tuple[str, ...] = ("default",)
    warehouses: tuple[str, ...] = ("sandbox",)
    warehouse_dir: Path
    volumes: tuple[Volume, ...] = ()
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    engine: Engine
    runtime_dir: Path
    max_parallel_tasks: int = 2
    token: str = field(repr=False, default="")

    @property
    def repos_dir(self) -> Path:
        """Where repositories are cloned that clients put below /Repos."""
        return self.state_dir / "repos"

    @property
    def url(self) -> str:
        """The workspace's base address, as clients on this machine use it."""
        return self.public_url or f"http://{self.host}:{self.port}"


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Settings from the file and the environment; raises SettingsError with every problem of both."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"{path}: must hold one JSON object")
    problems: list[str] = []
    values = _values(raw, problems)
    token = environ.get(TOKEN_VARIABLE, "")
    if not token:
        problems.append(f"the environment variable {TOKEN_VARIABLE} is missing or empty")
    if problems:
        raise SettingsError("\n".join(f"{path}: {problem}" for problem in problems))
    return Settings(**values, token=token)


def _values(raw: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    problems += [f"unknown key {key!r}" for key in sorted(raw.keys() - READERS.keys())]
    problems += [f"missing key {key!r}" for key in sorted(REQUIRED - raw.keys())]
    values: dict[str, Any] = {}
    for key in sorted(raw.keys() & READERS.keys()):
        try:
            values[key] = READERS[key](raw[key])
        except (TypeError, ValueError, KeyError) as error:
            problems.append(f"{key}: {error}")
    return values


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"must be a non-empty string, not {value!r}")
    return value


def _host(value: Any) -> str:
    # a container has an interface of its own, which is published on loopback
    allowed = ("127.0.0.1", "0.0.0.0") if "SANDBOX_CONTAINER" in os.environ else ("127.0.0.1",)
    if value not in allowed:
        raise ValueError(f"the workspace binds {' or '.join(allowed)} only, not {value!r}")
    return str(value)


def _path(value: Any) -> Path:
    path = Path(_string(value))
    if not path.is_absolute():
        raise ValueError(f"must be an absolute path, not {value!r}")
    return path


def _optional_path(value: Any) -> Path | None:
    return None if value is None else _path(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError(f"must be a whole number of at least 1, not {value!r}")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"must be true or false, not {value!r}")
    return value


def _port(value: Any) -> int:
    if _count(value) > 65535:
        raise ValueError(f"must be a port, not {value!r}")
    return int(value)


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"must be a list of strings, not {value!r}")
    return tuple(_string(item) for item in value)


def _names(value: Any) -> tuple[str, ...]:
    found = _strings(value)
    if not found:
        raise ValueError("must name at least one")
    return found


def _volume(value: Any) -> Volume:
    name = _string(value["name"])
    if name.count(".") != 2:
        raise ValueError(f"a volume is named catalog.schema.volume, not {name!r}")
    return Volume(name=name, location=_string(value["location"]))


def _volumes(value: Any) -> tuple[Volume, ...]:
    if not isinstance(value, list):
        raise TypeError(f"must be a list, not {value!r}")
    return tuple(_volume(item) for item in value)


def _secrets(value: Any) -> dict[str, dict[str, str]]:
    if not isinstance(value, dict) or not all(isinstance(scope, dict) for scope in value.values()):
        raise TypeError("must be an object of objects: {scope: {key: value}}")
    return {str(name): {str(key): str(text) for key, text in scope.items()} for name, scope in value.items()}


def _engine(value: Any) -> Engine:
    if not isinstance(value, dict):
        raise TypeError(f"must be an object, not {value!r}")
    return Engine(name=_string(value["name"]), python=_path(value["python"]), remote=_string(value["remote"]))


READERS: Mapping[str, Callable[[Any], Any]] = {
    "host": _host,
    "port": _port,
    "public_url": _string,
    "peer_hosts": _strings,
    "state_dir": _path,
    "project_root": _path,
    "bundle": _optional_path,
    "bundle_target": _string,
    "bundle_required": _boolean,
    "catalog": _string,
    "schemas": _strings,
    "warehouses": _names,
    "warehouse_dir": _path,
    "volumes": _volumes,
    "secrets": _secrets,
    "engine": _engine,
    "runtime_dir": _path,
    "max_parallel_tasks": _count,
}
REQUIRED = frozenset({"port", "state_dir", "project_root", "warehouse_dir", "engine", "runtime_dir"})
