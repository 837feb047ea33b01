"""Ask the upstream host for an archive, and download it into a file that cannot outlive the task."""

from __future__ import annotations

import errno
import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import BinaryIO
from xml.parsers import expat

import httpx

from stack_exchange.errors import BadInput, Unavailable
from stack_exchange.settings import Settings

log = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
_CHUNK_BYTES = 1 << 20
_ATTEMPTS = 5
_LARGEST_METADATA_BYTES = 32 << 20
_SPARE_DISK_BYTES = 256 << 20
_KEPT = "nothing was published, the last good data stays"


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """The archive as its host describes it; what the host does not say is None."""

    url: str
    etag: str | None
    last_modified: str | None
    size_bytes: int | None

    def to_json(self) -> dict[str, str | int | None]:
        """For the manifest and for XCom."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Checksums:
    """What the host's list of files says about one of them."""

    md5: str | None = None
    sha1: str | None = None


@dataclass(frozen=True, kw_only=True)
class Downloaded:
    """What arrived."""

    size_bytes: int
    sha256: str


def new_client() -> httpx.Client:
    """The one way in which this module speaks HTTP."""
    return httpx.Client(follow_redirects=True, timeout=_TIMEOUT, headers={"accept-encoding": "identity"})


def ask(client: httpx.Client, settings: Settings) -> Upstream:
    """HEAD the archive."""
    response = _request(client, "HEAD", settings.archive_url)
    _raise_for(response, settings.archive_url)
    return _described(settings.archive_url, response)


def checksums(client: httpx.Client, settings: Settings) -> Checksums:
    """The archive's checksums from `<item>_files.xml`, which archive.org keeps beside the files of an item."""
    item = settings.base_url.rstrip("/").rsplit("/", 1)[-1]
    url = f"{settings.base_url}{item}_files.xml"
    try:
        with client.stream("GET", url) as response:
            if response.status_code in {403, 404, 410}:
                log.info("%s offers no checksums (HTTP %s)", url, response.status_code)
                return Checksums()
            _raise_for(response, url)
            return _find_checksums(response, f"{settings.site}.7z", url)
    except httpx.TransportError as error:
        raise Unavailable(f"{url} does not answer: {error!r}") from error


def download(
    client: httpx.Client,
    settings: Settings,
    target: BinaryIO,
    *,
    upstream: Upstream,
    expected: Checksums,
    free_bytes: int,
    wait: Callable[[float], None] = time.sleep,
) -> Downloaded:
    """Fill `target`, going on where a connection broke, and check what arrived against all that the host said."""
    _check_size(upstream.size_bytes or 0, settings, free_bytes)
    hashes = _Hashes()
    for attempt in range(1, _ATTEMPTS + 1):
        before = hashes.size_bytes
        try:
            _fetch(client, settings, target, hashes, upstream, free_bytes)
            break
        except httpx.TransportError as error:
            log.warning("attempt %s: the connection broke after %s bytes: %r", attempt, hashes.size_bytes, error)
            if attempt == _ATTEMPTS:
                raise Unavailable(
                    f"{upstream.url} broke off {_ATTEMPTS} times, at last after {hashes.size_bytes} of"
                    f" {upstream.size_bytes} bytes ({error!r})"
                ) from error
            wait(0.5 * 2**attempt if hashes.size_bytes == before else 0.5)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise _no_space(upstream.size_bytes or hashes.size_bytes, hashes.size_bytes, settings) from error
            raise
    target.flush()
    return _verified(hashes, upstream, expected)


def free_bytes(folder: str) -> int:
    """How much may be written there."""
    return shutil.disk_usage(folder).free


def _fetch(
    client: httpx.Client, settings: Settings, target: BinaryIO, hashes: _Hashes, upstream: Upstream, free: int
) -> None:
    headers = {}
    if hashes.size_bytes:
        headers["range"] = f"bytes={hashes.size_bytes}-"
        if upstream.etag and not upstream.etag.startswith("W/"):
            headers["if-range"] = upstream.etag
        elif upstream.last_modified:
            headers["if-range"] = upstream.last_modified
    with client.stream("GET", upstream.url, headers=headers) as response:
        if response.status_code == 416 and hashes.size_bytes == upstream.size_bytes:
            return
        _raise_for(response, upstream.url)
        if response.status_code != 206:  # no ranges here, or the file is another one by now: from the start
            hashes.restart()
            target.seek(0)
            target.truncate()
        # as it arrives, not gathered into larger pieces: what came before a break is kept
        for chunk in response.iter_bytes():
            target.write(chunk)
            hashes.update(chunk)
            _check_size(hashes.size_bytes, settings, free + hashes.size_bytes)


def _verified(hashes: _Hashes, upstream: Upstream, expected: Checksums) -> Downloaded:
    if upstream.size_bytes is not None and hashes.size_bytes != upstream.size_bytes:
        raise Unavailable(
            f"{upstream.url} sent {hashes.size_bytes} bytes after announcing {upstream.size_bytes}:"
            " it changed meanwhile, or was cut off"
        )
    for name, wanted, found in (
        ("md5", expected.md5, hashes.md5.hexdigest()),
        ("sha1", expected.sha1, hashes.sha1.hexdigest()),
    ):
        if wanted is not None and wanted.lower() != found:
            raise BadInput(
                f"the checksum of {upstream.url} is wrong",
                why=f"its {name} is {found}, its host lists {wanted}",
                next_step=f"wait until the host has a good upload, then clear this task; {_KEPT}",
            )
    return Downloaded(size_bytes=hashes.size_bytes, sha256=hashes.sha256.hexdigest())


def _request(client: httpx.Client, method: str, url: str) -> httpx.Response:
    try:
        return client.request(method, url)
    except httpx.TransportError as error:
        raise Unavailable(f"{url} does not answer: {error!r}") from error


def _described(url: str, response: httpx.Response) -> Upstream:
    length = response.headers.get("content-length")
    return Upstream(
        url=url,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
        size_bytes=int(length) if length and length.isdigit() else None,
    )


def _raise_for(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status in {404, 410}:
        raise BadInput(
            f"there is no archive {url}",
            why=f"the host answers HTTP {status}",
            next_step=f"check the site's name and the Variable stack_exchange_base_url; {_KEPT}",
        )
    if status in {408, 425, 429} or status >= 500:
        raise Unavailable(f"{url} answers HTTP {status}")
    raise BadInput(
        f"{url} cannot be read",
        why=f"the host answers HTTP {status} {response.reason_phrase}",
        next_step=f"open the address in a browser; {_KEPT}",
    )


def _check_size(size: int, settings: Settings, free: int) -> None:
    if size > settings.max_archive_bytes:
        raise BadInput(
            f"{settings.archive_url} is too large",
            why=f"{size} bytes or more, and stack_exchange_max_archive_bytes is {settings.max_archive_bytes}",
            next_step=f"if the dump really is that large, raise the Variable and clear this task; {_KEPT}",
        )
    if size + _SPARE_DISK_BYTES > free:
        raise _no_space(size, free, settings)


def _no_space(size: int, free: int, settings: Settings) -> BadInput:
    return BadInput(
        f"no room for {settings.archive_url}",
        why=f"{size} bytes and {_SPARE_DISK_BYTES} to spare do not fit into the {free} that are free in"
        f" {settings.temp_folder or 'the temporary folder'}",
        next_step=f"free some space, or set the Variable stack_exchange_temp_folder to a larger disk; {_KEPT}",
    )


def _find_checksums(response: httpx.Response, name: str, url: str) -> Checksums:
    found: dict[str, str] = {}
    path: list[str] = []
    current: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        path.append(tag)
        if tag == "file":
            current.clear()
            current["name"] = attributes.get("name", "")

    def text(data: str) -> None:
        if path[-1:] in (["md5"], ["sha1"]):
            current[path[-1]] = current.get(path[-1], "") + data

    def end(tag: str) -> None:
        path.pop()
        if tag == "file" and current.get("name") == name:
            found.update(current)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    seen = 0
    try:
        for chunk in response.iter_bytes(_CHUNK_BYTES):
            seen += len(chunk)
            if seen > _LARGEST_METADATA_BYTES:
                raise Unavailable(f"{url} is larger than {_LARGEST_METADATA_BYTES} bytes")
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unavailable(f"{url} is no XML: {error}") from error
    return Checksums(md5=found.get("md5"), sha1=found.get("sha1"))


class _Hashes:
    """Size and checksums of what has arrived so far."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.size_bytes = 0
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha1 = hashlib.sha1(usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self.size_bytes += len(data)
        self.sha256.update(data)
        self.md5.update(data)
        self.sha1.update(data)
