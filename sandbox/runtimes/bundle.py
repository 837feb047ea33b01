"""A bundle: a folder from which everything installs without a network. What it holds, and what it lacks.

Standard library only: `make setup` reads it before anything is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.runtimes.registry import TOOL_LOCKS
from sandbox.runtimes.store import RuntimeRequest, lock_sha256

VARIABLE = "SANDBOX_BUNDLE"
MANIFEST = "manifest.json"
SCHEMA = 1
READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Part:
    """The wheels of one lock for one Python minor version on one platform.

    `lock_sha256` is that of the committed lock; `lock` names the copy in the bundle, whose hashes include those of the
    `built` wheels: packages that the index has as source only.
    """

    name: str
    python_version: str
    system: str
    machine: str
    lock_sha256: str
    additions: tuple[str, ...]
    lock: str
    lock_copy_sha256: str
    files: Mapping[str, str]
    built: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """A container image as `docker save` wrote it."""

    reference: str
    id: str
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an installation asks for: a lock by its hash, with a project's additions, for a Python minor version."""

    name: str
    lock_sha256: str
    python_version: str
    additions: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: RuntimeRequest, python_version: str) -> Wanted:
        """A runtime on a Python minor version."""
        return cls(
            name=request.name,
            lock_sha256=lock_sha256(request.lock or request.spec.lock_file),
            python_version=python_version,
            additions=request.additions,
        )

    @property
    def key(self) -> str:
        """The name of its part: name, Python, and sixteen hex digits for the rest."""
        parts = (self.lock_sha256, sys.platform, os.uname().machine, *sorted(self.additions))
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return f"{self.name}-py{self.python_version}-{digest[:16]}"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle that was opened."""

    folder: Path
    parts: Mapping[str, Part] = field(default_factory=dict)
    images: Mapping[str, SavedImage] = field(default_factory=dict)
    charts: Mapping[str, str] = field(default_factory=dict)
    """Archives of Helm charts: file and sha256."""

    @property
    def wheels(self) -> Path:
        """The folder of the wheels."""
        return self.folder / "wheels"

    @property
    def uv_options(self) -> tuple[str, ...]:
        """What makes `uv pip` install from here and from nowhere else; as a URL, because uv splits at commas."""
        return ("--offline", "--no-index", "--find-links", self.wheels.as_uri())

    @property
    def pip_options(self) -> tuple[str, ...]:
        """The same for pip."""
        return ("--no-index", "--find-links", self.wheels.as_uri())

    def minors(self, request: RuntimeRequest) -> tuple[str, ...]:
        """The Python minor versions for which it holds the runtime, the preferred one first.

        Raises PrerequisiteMissing when there is none.
        """
        wanted = [Wanted.of(request, minor) for minor in request.spec.pythons]
        minors = tuple(each.python_version for each in wanted if each.key in self.parts)
        if not minors:
            raise lacking(self, wanted[:1])
        return minors

    def find(self, wanted: Wanted) -> Part | None:
        """The part that answers exactly what is wanted."""
        return self.parts.get(wanted.key)

    def lock_file(self, wanted: Wanted) -> Path:
        """The lock to install `wanted` from.

        Raises PrerequisiteMissing when the bundle has no such part, or when files of the part are gone or changed.
        """
        part = self.find(wanted)
        if part is None:
            raise lacking(self, [wanted])
        path = self.folder / part.lock
        absent = [name for name in part.files if not (self.wheels / name).is_file()]
        if absent or not path.is_file() or sha256_of(path) != part.lock_copy_sha256:
            raise PrerequisiteMissing(
                f"the bundle {self.folder} is damaged",
                why=_listed([f"missing: wheels/{name}" for name in absent]) or f"missing or changed: {part.lock}",
                next_command=f"sandbox bundle '{self.folder}' --check    (then write or copy it again)",
            )
        return path


def chosen_bundle(folder: Path | None = None) -> Bundle | None:
    """The bundle that the user named by an option (`folder`) or by SANDBOX_BUNDLE; None when there is neither."""
    named = str(folder) if folder else os.environ.get(VARIABLE, "")
    return open_bundle(Path(named).expanduser().absolute()) if named else None


def open_bundle(folder: Path) -> Bundle:
    """Read the manifest of the bundle. Raises ConfigurationError when the folder is none, or one of another version."""
    file = folder / MANIFEST
    try:
        values: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if values["schema"] != SCHEMA:
            raise ConfigurationError(
                f"the bundle {folder} has schema {values['schema']}, this tool reads {SCHEMA}",
                next_command=f"sandbox bundle '{folder}'    (with this version of the tool)",
            )
        parts = {
            key: Part(**{**part, "additions": tuple(part["additions"]), "built": tuple(part["built"])})
            for key, part in values["parts"].items()
        }
        images = {reference: SavedImage(**image) for reference, image in values["images"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"{folder} is no bundle",
            why=f"{file}: {error}",
            next_command=f"sandbox bundle '{folder}'    (on a machine with a network)",
        ) from error
    return Bundle(folder=folder, parts=parts, images=images, charts=values.get("charts", {}))


def write_manifest(bundle: Bundle) -> None:
    """Write the manifest, at once or not at all."""
    values = {
        "schema": SCHEMA,
        "parts": {key: asdict(bundle.parts[key]) for key in sorted(bundle.parts)},
        "images": {key: asdict(bundle.images[key]) for key in sorted(bundle.images)},
        "charts": dict(sorted(bundle.charts.items())),
    }
    unfinished = bundle.folder / f"{MANIFEST}.new"
    unfinished.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    unfinished.replace(bundle.folder / MANIFEST)


def lacking(bundle: Bundle, wanted: Iterable[Wanted]) -> PrerequisiteMissing:
    """The error that says what of `wanted` is not in the bundle, what there is instead, and how to write it."""
    missing = list(wanted)
    here = f"{sys.platform} {os.uname().machine}"
    lines: list[str] = []
    for each in missing:
        alike = [part for part in bundle.parts.values() if part.name == each.name]
        lines.append(f"{each.name} for Python {each.python_version} on {here}: {_difference(each, alike)}")
    minors = " ".join(f"--python {minor}" for minor in sorted({each.python_version for each in missing}))
    names = " ".join(f"--runtime {name}" for name in dict.fromkeys(w.name for w in missing) if name not in TOOL_LOCKS)
    return PrerequisiteMissing(
        f"the bundle {bundle.folder} lacks {', '.join(dict.fromkeys(each.name for each in missing))}",
        why="\n".join(lines),
        next_command=" ".join(f"sandbox bundle '{bundle.folder}' {names} {minors}".split(" "))
        + "    (with a network, on this platform, from this checkout)",
    )


def _difference(wanted: Wanted, alike: list[Part]) -> str:
    if not alike:
        return "nothing of that name is in it"
    said = []
    for part in alike:
        other = []
        if (part.system, part.machine) != (sys.platform, os.uname().machine):
            other.append(f"{part.system} {part.machine}")
        if part.python_version != wanted.python_version:
            other.append(f"Python {part.python_version}")
        if part.lock_sha256 != wanted.lock_sha256:
            other.append("another version of the lock")
        if sorted(part.additions) != sorted(wanted.additions):
            other.append(f"additions: {', '.join(part.additions) or 'none'}")
        said.append(", ".join(other))
    return f"it has it for {'; '.join(said)}"


def problems(bundle: Bundle) -> Iterator[str]:
    """Every file of the bundle that is missing or not what the manifest says; reads all of them."""
    expected = {f"wheels/{name}": digest for part in bundle.parts.values() for name, digest in part.files.items()}
    expected |= {part.lock: part.lock_copy_sha256 for part in bundle.parts.values()}
    expected |= {image.file: image.sha256 for image in bundle.images.values()}
    expected |= bundle.charts
    for name, digest in sorted(expected.items()):
        path = bundle.folder / name
        if not path.is_file():
            yield f"missing: {name}"
        elif sha256_of(path) != digest:
            yield f"changed: {name}"


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _listed(lines: list[str], limit: int = 10) -> str:
    shown = lines[:limit]
    return "\n".join([*shown, *([f"and {len(lines) - limit} more"] if len(lines) > limit else [])])
