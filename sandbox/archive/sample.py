"""What lies in the mirror's folder: the generated sample, and archives that a user hands over."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx

from sandbox.archive.generate import SITE, generate
from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.progress import Progress

_TIMEOUT = httpx.Timeout(30.0)


class SampleSettings(Protocol):
    """What defines the sample (`archive.sample` of sandbox.toml)."""

    @property
    def site(self) -> str: ...
    @property
    def posts(self) -> int: ...
    @property
    def users(self) -> int: ...
    @property
    def seed(self) -> int: ...


def ensure(settings: SampleSettings, folder: Path, progress: Progress) -> Path:
    """`ensure_sample`, announced as a step when there is something to generate."""
    if _is_current(folder, settings.site, _wanted(settings)):
        return folder / f"{settings.site}.7z"
    with progress.step("sample archive") as step:
        archive = _generate(folder, settings.site, _wanted(settings))
        step.done(f"{settings.posts} posts, {settings.users} users, {archive.stat().st_size / 1e6:.1f} MB")
    return archive


def ensure_sample(folder: Path, *, site: str, posts: int, users: int, seed: int) -> Path:
    """Return `<folder>/<site>.7z`, generating it when there is none or when it is a sample of other settings.

    A file that this function did not write, or that was changed since, is somebody's own and stays.
    """
    wanted: dict[str, str | int] = {
        "site": site,
        "posts": posts,
        "users": users,
        "seed": seed,
    }
    if _is_current(folder, site, wanted):
        return folder / f"{site}.7z"
    return _generate(folder, site, wanted)


def add(source: str, folder: Path, progress: Progress) -> str:
    """Put the archive at a path or an http(s) address into the mirror's folder; returns the site it is a dump of."""
    url = urlsplit(source)
    remote = url.scheme in {"http", "https"}
    name = unquote(PurePosixPath(url.path).name) if remote else Path(source).name
    if not name.endswith(".7z") or not SITE.fullmatch(name):
        raise ConfigurationError(
            f"{source} is not the name of a site's dump",
            why="a dump is called after its site, for example academia.stackexchange.com.7z",
            next_command="sandbox run --archive ./academia.stackexchange.com.7z",
        )
    with progress.step(f"archive {name}") as step:
        target = folder / name
        if remote:
            _into_place(target, lambda path: _download(source, path))
        elif not Path(source).is_file():
            raise ConfigurationError(
                f"there is no file {source}",
                next_command=f"ls -l {Path(source).parent}",
            )
        elif not (target.exists() and target.samefile(source)):
            _into_place(target, lambda path: _link_or_copy(Path(source).resolve(), path))
        step.done(f"{target.stat().st_size / 1e6:.1f} MB")
    return name.removesuffix(".7z")


def _wanted(settings: SampleSettings) -> dict[str, str | int]:
    return {
        "site": settings.site,
        "posts": settings.posts,
        "users": settings.users,
        "seed": settings.seed,
    }


def _is_current(folder: Path, site: str, wanted: dict[str, str | int]) -> bool:
    archive = folder / f"{site}.7z"
    if not archive.exists():
        return False
    noted = _read(_note(folder, site))
    return noted.get("file") != _identity(archive) or noted.get("settings") == wanted


def _generate(folder: Path, site: str, wanted: dict[str, str | int]) -> Path:
    archive = generate(
        folder / f"{site}.7z",
        site=site,
        posts=int(wanted["posts"]),
        users=int(wanted["users"]),
        seed=int(wanted["seed"]),
    )
    noted = {"settings": wanted, "file": _identity(archive)}
    _note(folder, site).write_text(json.dumps(noted), encoding="utf-8")
    return archive


def _note(folder: Path, site: str) -> Path:
    return folder / f".{site}.sample.json"


def _identity(archive: Path) -> list[int]:
    status = archive.stat()
    return [status.st_size, status.st_mtime_ns]


def _read(note: Path) -> dict[str, object]:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (
        OSError,
        ValueError,
    ):  # no note, or half a note: then the archive counts as somebody's own
        return {}
    return content if isinstance(content, dict) else {}


def _into_place(target: Path, write: Callable[[Path], None]) -> None:
    """`target` appears whole or not at all, and the mirror never serves the half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".incoming-"))
    try:
        write(folder / target.name)
        (folder / target.name).replace(target)
    finally:
        shutil.rmtree(folder)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _download(url: str, target: Path) -> None:
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            with target.open("wb") as file:
                for chunk in response.iter_bytes(1 << 20):
                    file.write(chunk)
    except httpx.HTTPError as error:
        raise PrerequisiteMissing(f"cannot download {url}", why=str(error), next_command=f"curl -fLI {url}") from error
