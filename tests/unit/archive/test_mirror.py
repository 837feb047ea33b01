"""sandbox.archive.mirror: the upstream host's addresses over a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from sandbox.archive import mirror

pytestmark = pytest.mark.anyio
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def anyio_backend() -> str:
    """asyncio only."""
    return "asyncio"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an archive, a note of the sandbox's own, and something beside it."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "site.example.7z").write_bytes(CONTENT)
    (served / ".site.sample.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("nobody may read this")
    return served


@pytest.fixture
def client(folder: Path) -> httpx.AsyncClient:
    """A client of the application itself."""
    transport = httpx.ASGITransport(app=mirror.build_app(folder))
    return httpx.AsyncClient(transport=transport, base_url="http://mirror")


async def test_serves_a_file_as_the_host_does(client: httpx.AsyncClient) -> None:
    """HEAD tells all that GET does."""
    head = await client.head("/download/stackexchange/site.example.7z")
    body = await client.get("/download/stackexchange/site.example.7z")

    assert body.content == CONTENT
    assert head.headers["content-length"] == str(len(CONTENT))
    assert {"etag", "last-modified", "accept-ranges"} <= set(head.headers)
    assert head.headers["etag"] == body.headers["etag"]
    assert body.headers["content-type"] == "application/x-7z-compressed"


async def test_answers_ranges(client: httpx.AsyncClient) -> None:
    """So that a broken download can go on, if the file is still the same."""
    address = "/download/stackexchange/site.example.7z"
    etag = (await client.head(address)).headers["etag"]

    part = await client.get(address, headers={"range": "bytes=100-", "if-range": etag})
    changed = await client.get(address, headers={"range": "bytes=100-", "if-range": '"another"'})
    beyond = await client.get(address, headers={"range": "bytes=999999-"})

    assert (part.status_code, part.content) == (206, CONTENT[100:])
    assert (changed.status_code, changed.content) == (200, CONTENT)
    assert beyond.status_code == 416


async def test_lists_checksums_of_what_lies_there_now(client: httpx.AsyncClient, folder: Path) -> None:
    """A file that was added or replaced is served and listed at once."""
    address = "/download/stackexchange/stackexchange_files.xml"
    await client.get(address)
    (folder / "new.example.7z").write_bytes(b"new")
    (folder / "site.example.7z").write_bytes(b"replaced")

    listed = {file.get("name"): file for file in ET.fromstring((await client.get(address)).text)}

    assert set(listed) == {"new.example.7z", "site.example.7z"}
    assert listed["site.example.7z"].findtext("md5") == hashlib.md5(b"replaced").hexdigest()
    assert listed["new.example.7z"].findtext("sha1") == hashlib.sha1(b"new").hexdigest()
    assert listed["new.example.7z"].findtext("size") == "3"
    assert (await client.get("/download/stackexchange/new.example.7z")).content == b"new"


async def test_shows_the_files(client: httpx.AsyncClient) -> None:
    """With and without the slash; not what begins with a dot."""
    for address in ("/download/stackexchange", "/download/stackexchange/"):
        page = (await client.get(address)).text
        assert '<a href="/download/stackexchange/site.example.7z">' in page
        assert "sample.json" not in page


async def test_tells_its_health(client: httpx.AsyncClient) -> None:
    """For the probe."""
    assert (await client.get("/health")).json() == {"status": "ok", "files": 1}


@pytest.mark.parametrize(
    "name",
    [
        "nosuch.7z",
        ".site.sample.json",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "..%5csecret.txt",
        "%00",
        "site.example.7z/x",
        "%2fetc%2fpasswd",
    ],
)
async def test_serves_nothing_else(client: httpx.AsyncClient, name: str) -> None:
    """Not what is not there, hidden or outside."""
    answer = await client.get(f"/download/stackexchange/{name}")

    assert answer.status_code == 404
    assert "nobody may read this" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_is_read_only(client: httpx.AsyncClient, folder: Path, method: str) -> None:
    """Nothing that comes in changes the folder."""
    answer = await client.request(method, "/download/stackexchange/site.example.7z", content=b"x")

    assert answer.status_code == 405
    assert (folder / "site.example.7z").read_bytes() == CONTENT


def test_reads_its_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a file, from flags, flags win; never beyond loopback."""
    config = tmp_path / "mirror.json"
    config.write_text('{"folder": "/a", "port": 1}')
    assert mirror._settings(["--config", str(config), "--port", "2"]) == mirror.Settings(folder=Path("/a"), port=2)

    config.write_text('{"folder": "/a", "port": 1, "host": "0.0.0.0"}')
    with pytest.raises(SystemExit):
        mirror._settings(["--config", str(config)])
    assert "not a loopback address" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        mirror._settings(["--port", "1"])
