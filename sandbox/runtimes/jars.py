"""The Java archives of a runtime: its lock of them, and how they get from a Maven repository into the cache.

Fetched archives are kept in the cache by their hash; a runtime has links to them. Nothing of Maven itself is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.runtimes.maven import MavenAccess, Repository
from sandbox.runtimes.uv import Cancelled, ignore

JARS_FOLDER = "jars"
"""Of a runtime, of the cache and of a bundle."""
JARS_COPY = ".sandbox-jars.txt"
"""The lock that a runtime's archives were taken from, kept in it."""
READ_BYTES = 1 << 18
PARALLEL = 6
ATTEMPTS = 3
SECONDS = 60.0

_LINE = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+) sha256:([0-9a-f]{64}) (\d+)")


@dataclass(frozen=True, kw_only=True, order=True)
class Jar:
    """One archive: what it is called in every Maven repository, and what it must be."""

    group: str
    artifact: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def coordinates(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Its place in a repository."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"

    @property
    def line(self) -> str:
        """Its line in a lock."""
        return f"{self.coordinates} sha256:{self.sha256} {self.size_bytes}"


def read_jars(text: str) -> tuple[Jar, ...]:
    """The archives of a lock; raises SandboxError for a line that is none."""
    found: list[Jar] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise SandboxError(f"line {number} of a lock of Java archives is not usable", why=line)
        group, artifact, version, sha256, size = match.groups()
        found.append(Jar(group=group, artifact=artifact, version=version, sha256=sha256, size_bytes=int(size)))
    return tuple(found)


def file_sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_sound(path: Path, jar: Jar) -> bool:
    """Whether a file is that archive, byte for byte."""
    with contextlib.suppress(OSError):
        return path.stat().st_size == jar.size_bytes and file_sha256(path) == jar.sha256
    return False


def provide(
    jars: Sequence[Jar],
    *,
    cache: Path,
    access: MavenAccess,
    cancelled: threading.Event | None = None,
    on_update: Callable[[str], None] = ignore,
) -> dict[Jar, Path]:
    """Each archive's file in the cache; those that are missing come from a folder of `access`, or a repository of it.

    Raises PrerequisiteMissing when some cannot be had, SandboxError when a repository has another file under a name.
    """
    store = cache / JARS_FOLDER
    stop = cancelled or threading.Event()
    missing = [jar for jar in jars if not is_sound(_stored(store, jar), jar)]
    done = 0

    def fetch(jar: Jar) -> str:
        nonlocal done
        if stop.is_set():
            raise Cancelled
        problem = _fetch(jar, _stored(store, jar), access, client, stop)
        done += 1
        on_update(f"fetching Java archives ({done} of {len(missing)})")
        return problem

    with httpx.Client(timeout=SECONDS, follow_redirects=True) as client, ThreadPoolExecutor(PARALLEL) as pool:
        problems = {jar: problem for jar, problem in zip(missing, pool.map(fetch, missing), strict=True) if problem}
    if problems:
        shown = [f"{jar.coordinates}: {problem}" for jar, problem in problems.items()]
        raise PrerequisiteMissing(
            f"{len(problems)} Java archives could not be fetched",
            why="\n".join([*shown[:5], *(["…"] if len(shown) > 5 else [])]),
            next_command="SANDBOX_MAVEN_URL=https://<your Maven mirror>/ sandbox runtimes build engine-spark"
            "   (or name a mirror in ~/.m2/settings.xml)",
        )
    return {jar: _stored(store, jar) for jar in jars}


def install(files: Iterable[Path], folder: Path) -> None:
    """Put archives into a folder: hard links where the file system can, copies elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        try:
            os.link(file, folder / file.name)
        except OSError:
            shutil.copyfile(file, folder / file.name)


def write_bundle(text: str, folder: Path, *, cache: Path, access: MavenAccess) -> list[Path]:
    """Put the archives of a lock into `folder`/jars, for a machine without a network; the files."""
    files = provide(read_jars(text), cache=cache, access=access)
    target = folder / JARS_FOLDER
    for jar, file in files.items():
        if not is_sound(target / jar.file_name, jar):
            (target / jar.file_name).unlink(missing_ok=True)
            install([file], target)
    return [target / jar.file_name for jar in files]


def problems_of(folder: Path) -> tuple[int, list[str]]:
    """How many archives a runtime should have, and what is wrong with them."""
    copy = folder / JARS_COPY
    if not copy.is_file():
        return 0, []
    jars = read_jars(copy.read_text("utf-8"))
    places = [(folder / JARS_FOLDER / jar.file_name, jar) for jar in jars]
    return len(jars), [f"changed or missing: {path}" for path, jar in places if not is_sound(path, jar)]


def _stored(store: Path, jar: Jar) -> Path:
    return store / jar.sha256 / jar.file_name


def _fetch(jar: Jar, target: Path, access: MavenAccess, client: httpx.Client, stop: threading.Event) -> str:
    """Get one archive; why it cannot be had, "" when it was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(f".{secrets.token_hex(4)}")
    try:
        for folder in access.folders:
            for place in (folder / jar.file_name, folder / jar.path):
                if is_sound(place, jar):
                    shutil.copyfile(place, draft)
                    draft.replace(target)
                    return ""
        said = [f"not in {folder}" for folder in access.folders]
        for repository in access.repositories:
            problem = _download(jar, draft, repository, client, stop)
            if not problem:
                draft.replace(target)
                return ""
            said.append(problem)
        return "; ".join(said) or "no repository may be asked"
    finally:
        draft.unlink(missing_ok=True)


def _download(jar: Jar, draft: Path, repository: Repository, client: httpx.Client, stop: threading.Event) -> str:
    url = f"{repository.url}/{jar.path}"
    passing = (httpx.TransportError, _Busy)
    try:
        for attempt in Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.5),
            retry=retry_if_exception_type(passing),
            reraise=True,
        ):
            with attempt:
                digest = _stream(url, draft, repository, client, stop)
    except (httpx.HTTPError, httpx.InvalidURL, _Busy, _Refused) as error:
        return f"{url}: {str(error) or type(error).__name__}"
    if digest != jar.sha256:
        raise SandboxError(
            f"{jar.coordinates} is not the one of the lock",
            why=f"{url} has sha256 {digest}, the lock {jar.sha256}",
            next_command="SANDBOX_MAVEN_URL=https://<another mirror>/ sandbox runtimes build engine-spark",
        )
    return ""


class _Busy(Exception):
    """The repository asks for another try."""


class _Refused(Exception):
    """The repository has no such file for us."""


def _stream(url: str, draft: Path, repository: Repository, client: httpx.Client, stop: threading.Event) -> str:
    """Write what a URL has to a file; its hash."""
    digest = hashlib.sha256()
    with client.stream("GET", url, auth=repository.auth) as answer, draft.open("wb") as file:
        if answer.status_code in (429, 500, 502, 503, 504):
            raise _Busy(f"HTTP {answer.status_code}")
        if answer.status_code != 200:
            raise _Refused(f"HTTP {answer.status_code}")
        for block in answer.iter_bytes(READ_BYTES):
            if stop.is_set():
                raise Cancelled
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
