"""Serve a folder of archives at the addresses of the upstream file host: `python -m sandbox.archive.mirror`.

An island: the interpreter of the `workspace` runtime, starlette and uvicorn, nothing else of this package. Read-only,
loopback only, and what is put into the folder is served at once.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import mimetypes
import os
import socket
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

ITEM = "stackexchange"
HASHED_UP_TO_BYTES = 4 << 30
"""Larger files are listed without checksums: reading them first would take longer than any client waits."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the mirror needs to know."""

    folder: Path
    port: int
    host: str = "127.0.0.1"


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until told to stop; the first line of standard output is one JSON object with the address."""
    settings = _settings(argv)
    settings.folder.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        print(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
            file=sys.stderr,
        )
        raise SystemExit(1) from error
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    print(json.dumps({"url": url, "folder": str(settings.folder)}), flush=True)
    config = uvicorn.Config(
        build_app(settings.folder),
        log_level="info",
        access_log=True,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])


def build_app(folder: Path) -> Starlette:
    """The application over one folder."""
    mirror = Mirror(folder)
    return Starlette(
        routes=[
            Route("/health", mirror.health, methods=["GET"]),
            Route(f"/download/{ITEM}", mirror.listing, methods=["GET"]),
            Route(f"/download/{ITEM}/", mirror.listing, methods=["GET"]),
            Route(f"/download/{ITEM}/{ITEM}_files.xml", mirror.metadata, methods=["GET"]),
            Route(f"/download/{ITEM}/{{name}}", mirror.download, methods=["GET"]),
        ]
    )


def _settings(argv: Sequence[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="python -m sandbox.archive.mirror", description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        help="JSON file with folder, port and host; flags win over it",
    )
    parser.add_argument("--folder", type=Path, help="the folder that holds the archives")
    parser.add_argument("--port", type=int, help="0 takes a free one")
    parser.add_argument("--host", help="the interface to listen on: loopback, or in a container 0.0.0.0")
    arguments = parser.parse_args(argv)
    given = json.loads(arguments.config.read_text(encoding="utf-8")) if arguments.config else {}
    folder = arguments.folder or given.get("folder")
    port = arguments.port if arguments.port is not None else given.get("port")
    if folder is None or port is None:
        parser.error("needs --folder and --port, on the command line or in --config")
    host = str(arguments.host or given.get("host", "127.0.0.1"))
    if not host.startswith("127.") and "SANDBOX_CONTAINER" not in os.environ:
        parser.error(f"host {host} is not a loopback address: the mirror is for this machine only")
    return Settings(folder=Path(folder), port=int(port), host=host)


class Mirror:
    """The handlers, and the checksums they remember."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[tuple[str, int, int], dict[str, str]] = {}

    async def health(self, request: Request) -> Response:
        """How many files there are to serve."""
        return JSONResponse({"status": "ok", "files": len(self._files())})

    async def listing(self, request: Request) -> Response:
        """The item's files as a page of links, as the upstream host shows them."""
        lines = [
            f'<tr><td><a href="/download/{ITEM}/{html.escape(path.name)}">{html.escape(path.name)}</a></td>'
            f"<td>{formatdate(path.stat().st_mtime, usegmt=True)}</td><td>{path.stat().st_size}</td></tr>"
            for path in self._files()
        ]
        return HTMLResponse(
            f"<!doctype html><title>Files for {ITEM}</title><h1>Files for {ITEM}</h1><table>{''.join(lines)}</table>"
        )

    async def download(self, request: Request) -> Response:
        """One file; starlette answers ranges and sets ETag, Last-Modified and Content-Length."""
        path = self._path(request.path_params["name"])
        media_type = "application/x-7z-compressed" if path.suffix == ".7z" else mimetypes.guess_type(path.name)[0]
        return FileResponse(path, media_type=media_type or "application/octet-stream")

    async def metadata(self, request: Request) -> Response:
        """Size, time and checksums of every file, in the form of the upstream host's `<item>_files.xml`."""
        entries = [await run_in_threadpool(self._entry, path) for path in self._files()]
        return Response(f"<files>\n{''.join(entries)}</files>\n", media_type="application/xml")

    def _entry(self, path: Path) -> str:
        status = path.stat()
        fields = {
            "format": path.suffix.lstrip("."),
            "mtime": str(int(status.st_mtime)),
            "size": str(status.st_size),
        }
        if status.st_size <= HASHED_UP_TO_BYTES:
            key = (path.name, status.st_size, status.st_mtime_ns)
            if key not in self._digests:
                self._digests[key] = _digests(path)
            fields |= self._digests[key]
        inner = "".join(f"    <{name}>{escape(value)}</{name}>\n" for name, value in fields.items())
        return f'  <file name={quoteattr(path.name)} source="original">\n{inner}  </file>\n'

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if not path.name.startswith(".") and path.is_file())

    def _path(self, name: str) -> Path:
        """A file directly in the folder; links count, for whoever put one there wants the dump served."""
        path = self._folder / name
        hidden = name.startswith(".") or "/" in name or "\\" in name or "\0" in name
        if hidden or not path.is_file() or path.resolve().parent != self._folder.resolve():
            raise HTTPException(404, f"no {name!r} in {ITEM}")
        return path


def _digests(path: Path) -> dict[str, str]:
    md5, sha1, crc = (
        hashlib.md5(usedforsecurity=False),
        hashlib.sha1(usedforsecurity=False),
        0,
    )
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            md5.update(chunk)
            sha1.update(chunk)
            crc = zlib.crc32(chunk, crc)
    return {"md5": md5.hexdigest(), "crc32": f"{crc:08x}", "sha1": sha1.hexdigest()}


if __name__ == "__main__":
    main()
