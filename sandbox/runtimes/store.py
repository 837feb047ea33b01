"""The cache of built runtimes: folder names, the sentinel that makes a folder ours, what lies there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.runtimes.registry import RUNTIMES, RuntimeSpec, find_spec

SENTINEL = ".sandbox-runtime.json"
UNFINISHED_SENTINEL = f"{SENTINEL}.new"
LOCK_COPY = ".sandbox-lock.txt"
"""The lock that a runtime was built from, kept in it: `verify` compares with it."""
BUILDING_PREFIX = ".building-"
CACHE_VARIABLE = "SANDBOX_CACHE_DIR"
"""The environment variable that moves the cache."""
LAYOUT = 1
"""Part of every key: raise it when the way a runtime is built changes."""


@dataclass(frozen=True, kw_only=True)
class RuntimeRequest:
    """A runtime, and for Airflow rows what a project adds to it.

    `provider_versions` pairs short names of Airflow providers with versions: ("databricks", "7.9.0"). `lock` is the
    project's own for just these additions; without one they are resolved on the spot.
    """

    name: str
    extra_requirements: tuple[str, ...] = ()
    provider_versions: tuple[tuple[str, str], ...] = ()
    lock: Path | None = None

    @property
    def spec(self) -> RuntimeSpec:
        return find_spec(self.name)

    @property
    def is_derived(self) -> bool:
        return bool(self.extra_requirements or self.provider_versions)

    @property
    def additions(self) -> tuple[str, ...]:
        """What the project adds, as texts."""
        return (*self.extra_requirements, *(f"{name}=={version}" for name, version in self.provider_versions))


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """A built runtime, ready to run."""

    name: str
    key: str
    python_version: str
    path: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / "python"

    def script(self, name: str) -> Path:
        """One of the commands that its packages bring."""
        return self.path / "bin" / name


@dataclass(frozen=True, kw_only=True)
class Sentinel:
    """What a runtime's folder says of itself; without it a folder is not ours."""

    name: str
    key: str
    python_version: str
    lock_sha256: str
    state: str
    extra_requirements: tuple[str, ...] = ()
    packages: int = 0
    size_bytes: int = 0
    built_at: str = ""


def cache_folder(cache_dir: Path | None = None) -> Path:
    """The tool's cache: as given, from CACHE_VARIABLE, or the user's cache folder."""
    if cache_dir is not None:
        return cache_dir.absolute()
    if configured := os.environ.get(CACHE_VARIABLE):
        return Path(configured).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("data-platform-sandbox", appauthor=False)


def make_cache(cache: Path) -> Path:
    """Create the tool's cache; a new one tells Git to leave it alone, for CI systems want it inside of the checkout."""
    cache.mkdir(parents=True, exist_ok=True)
    if not any(cache.iterdir()):
        (cache / ".gitignore").write_text("*\n", "utf-8")
    return cache


def runtimes_folder(cache_dir: Path | None = None) -> Path:
    """The folder of the built runtimes."""
    return cache_folder(cache_dir) / "runtimes"


def python_of(folder: Path) -> Path:
    """The interpreter of the venv in `folder`."""
    return folder / "bin" / "python"


@cache
def lock_sha256(lock_file: Path) -> str:
    """The hash of a committed lock, or of another file of this package."""
    return hashlib.sha256(lock_file.read_bytes()).hexdigest()


def inputs_sha256(spec: RuntimeSpec) -> str:
    """The hash of the committed files that decide what a runtime holds: its lock, and where it has them its Java
    archives' lock and the script that finishes it."""
    packages = lock_sha256(spec.lock_file)
    further = [lock_sha256(file) for file in (spec.jars_file, spec.finish_file) if file is not None]
    return hashlib.sha256(" ".join([packages, *further]).encode()).hexdigest() if further else packages


def runtime_key(request: RuntimeRequest, python_version: str) -> str:
    """Sixteen hex digits for what decides a runtime's contents: lock, Python, platform, the project's additions."""
    parts = [
        str(LAYOUT),
        inputs_sha256(request.spec),
        python_version,
        sys.platform,
        os.uname().machine,
        *sorted(request.extra_requirements),
        *(f"{name}=={version}" for name, version in sorted(request.provider_versions)),
        *([hashlib.sha256(request.lock.read_bytes()).hexdigest()] if request.lock else []),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def folder_of(request: RuntimeRequest, python_version: str, cache_dir: Path | None = None) -> Path:
    """Where the runtime lies, or will."""
    return runtimes_folder(cache_dir) / f"{request.name}-{runtime_key(request, python_version)}"


def locate(request: RuntimeRequest, cache_dir: Path | None = None) -> Runtime | None:
    """The built runtime for the first accepted Python that has one, or None. No process is started."""
    for python_version in request.spec.pythons:
        folder = folder_of(request, python_version, cache_dir)
        # python is a link to the interpreter that built it, which may have been uninstalled since
        if (folder / SENTINEL).is_file() and python_of(folder).exists():
            key = runtime_key(request, python_version)
            return Runtime(name=request.name, key=key, python_version=python_version, path=folder)
    return None


def read_sentinel(folder: Path) -> Sentinel | None:
    """What the folder says of itself, or None when it is not ours."""
    try:
        values: dict[str, Any] = json.loads((folder / SENTINEL).read_text("utf-8"))
        values["extra_requirements"] = tuple(values["extra_requirements"])
        return Sentinel(**values)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_sentinel(folder: Path, sentinel: Sentinel) -> None:
    """Make the folder ours."""
    unfinished = folder / UNFINISHED_SENTINEL
    unfinished.write_text(json.dumps(asdict(sentinel), indent=2) + "\n", "utf-8")
    unfinished.replace(folder / SENTINEL)


def mark_used(runtime: Runtime) -> None:
    """Remember that the runtime was used now (the sentinel's modification time)."""
    with contextlib.suppress(OSError):  # a cache that others filled and we may only read serves as well
        os.utime(runtime.path / SENTINEL)


def our_folders(cache_dir: Path | None = None) -> Iterator[tuple[Path, Sentinel]]:
    """Every folder of the cache that carries the sentinel, finished or not."""
    parent = runtimes_folder(cache_dir)
    for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
        if folder.is_dir() and not folder.is_symlink() and (sentinel := read_sentinel(folder)):
            yield folder, sentinel


def is_current(sentinel: Sentinel) -> bool:
    """Whether the registry and the locks of this checkout would build the same again."""
    spec = RUNTIMES.get(sentinel.name)
    return (
        spec is not None
        and sentinel.python_version in spec.pythons
        and spec.lock_file.is_file()
        and sentinel.lock_sha256 == inputs_sha256(spec)
    )
