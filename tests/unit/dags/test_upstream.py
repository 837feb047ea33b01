"""stack_exchange.upstream: asking and downloading, with everything that a network does."""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from stack_exchange import upstream
from stack_exchange.errors import BadInput, Unavailable
from stack_exchange.upstream import Checksums, Downloaded

from .conftest import Host, files_xml

if TYPE_CHECKING:
    from stack_exchange.settings import Settings

PLENTY = 1 << 40
Make = Callable[..., "Settings"]


def fetch(host: Host, settings: Settings, target: Any = None, **changes: Any) -> tuple[Downloaded, bytes]:
    file = target or io.BytesIO()
    client = host.client()
    options: dict[str, Any] = {"expected": Checksums(), "free_bytes": PLENTY, "wait": lambda seconds: None} | changes
    found = upstream.download(client, settings, file, upstream=upstream.ask(client, settings), **options)
    return found, file.getvalue()


def test_downloads_and_hashes(host: Host, make_settings: Make, sample: Path) -> None:
    """What arrived is what the host has."""
    found, content = fetch(host, make_settings())

    assert content == sample.read_bytes()
    assert found == Downloaded(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def test_goes_on_where_the_connection_broke(host: Host, make_settings: Make, sample: Path) -> None:
    """With a Range, and only if the file is still the same."""
    host.break_after = [10_000, 5_000, None]

    _, content = fetch(host, make_settings())

    assert content == sample.read_bytes()
    ranges = [request.headers.get("range") for request in host.requests if request.method == "GET"]
    assert ranges == [None, "bytes=10000-", "bytes=15000-"]


def test_begins_anew_where_there_are_no_ranges(host: Host, make_settings: Make, sample: Path) -> None:
    """A host that answers 200 to a Range sends everything again."""
    host.ranges = False
    host.break_after = [10_000, None]

    found, content = fetch(host, make_settings())

    assert content == sample.read_bytes()
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_gives_up_after_five_broken_connections(host: Host, make_settings: Make) -> None:
    """So that Airflow retries later; it is nobody's fault."""
    host.break_after = [100] * 9

    with pytest.raises(Unavailable, match="broke off 5 times, at last after 500 of"):
        fetch(host, make_settings())


@pytest.mark.parametrize("status", [404, 410])
def test_no_such_archive(host: Host, make_settings: Make, status: int) -> None:
    """A wrong name does not get right by waiting."""
    host.statuses = [status]

    with pytest.raises(
        BadInput, match=rf"there is no archive https://.*/site\.example\.7z: the host answers HTTP {status}"
    ):
        upstream.ask(host.client(), make_settings())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_host_is_worth_a_retry(host: Host, make_settings: Make, status: int) -> None:
    """HEAD and GET alike."""
    host.statuses = [status, 200, status]

    for _ in range(2):
        with pytest.raises(Unavailable, match=f"HTTP {status}"):
            fetch(host, make_settings())


def test_a_forbidden_archive(host: Host, make_settings: Make) -> None:
    """Other refusals are told as they are."""
    host.statuses = [403]

    with pytest.raises(BadInput, match="cannot be read: the host answers HTTP 403"):
        upstream.ask(host.client(), make_settings())


def test_reads_the_checksums_that_the_host_lists(host: Host, make_settings: Make, sample: Path) -> None:
    """`<item>_files.xml`, as archive.org writes it."""
    host.files["stackexchange_files.xml"] = files_xml("site.example.7z", sample.read_bytes())

    found = upstream.checksums(host.client(), make_settings())

    assert found.md5 == hashlib.md5(sample.read_bytes()).hexdigest()
    assert found.sha1 == hashlib.sha1(sample.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", [None, b"<files></files>"])
def test_a_host_without_checksums_is_trusted(host: Host, make_settings: Make, content: bytes | None) -> None:
    """They are an offer, not a duty."""
    if content is not None:
        host.files["stackexchange_files.xml"] = content

    assert upstream.checksums(host.client(), make_settings()) == Checksums()


def test_broken_checksums_are_worth_a_retry(host: Host, make_settings: Make) -> None:
    """An error page in their place must not switch the check off."""
    host.files["stackexchange_files.xml"] = b"<html>busy"

    with pytest.raises(Unavailable, match="is no XML"):
        upstream.checksums(host.client(), make_settings())


@pytest.mark.parametrize("wrong", [Checksums(md5="00"), Checksums(sha1="00")])
def test_refuses_a_wrong_checksum(host: Host, make_settings: Make, wrong: Checksums) -> None:
    """Both numbers are in the message."""
    with pytest.raises(BadInput, match=r"checksum of .* is wrong: its (md5|sha1) is .*, its host lists 00"):
        fetch(host, make_settings(), expected=wrong)


def test_refuses_what_does_not_fit_on_the_disk(host: Host, make_settings: Make) -> None:
    """Before the first byte."""
    with pytest.raises(
        BadInput, match=r"no room for .*: \d+ bytes and \d+ to spare do not fit into the 1000 that are free"
    ):
        fetch(host, make_settings(), free_bytes=1000)

    assert [request.method for request in host.requests] == ["HEAD"]


def test_a_disk_that_fills_up_meanwhile(host: Host, make_settings: Make) -> None:
    """Somebody else may write, too."""

    class FullDisk(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(BadInput, match="no room for"):
        fetch(host, make_settings(), FullDisk())


def test_refuses_a_download_beyond_the_limit(host: Host, make_settings: Make) -> None:
    """Announced or not."""
    with pytest.raises(BadInput, match=r"is too large: .* stack_exchange_max_archive_bytes is 100"):
        fetch(host, make_settings(max_archive_bytes=100))


def test_an_archive_that_changes_meanwhile(host: Host, make_settings: Make) -> None:
    """Other bytes than announced are worth a retry."""
    client = host.client()
    before = upstream.ask(client, make_settings())
    host.files["site.example.7z"] += b"more"

    with pytest.raises(Unavailable, match="it changed meanwhile"):
        upstream.download(
            client, make_settings(), io.BytesIO(), upstream=before, expected=Checksums(), free_bytes=PLENTY
        )
