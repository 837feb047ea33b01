"""The one poll loop: wait until a probe passes, or explain why not; and the probes themselves."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import tenacity

PROBE_TIMEOUT_SECONDS = 2.0
UNRESPONSIVE_SECONDS = 10.0
"""How long a service that was healthy must stay unhealthy before it is ended: a busy machine answers late."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How one asks a service whether it works.

    kind "http": GET `target` (a URL) answers 200 and every dotted path in `healthy_paths` of its JSON is "healthy";
    kind "tcp": something accepts connections at `target` ("host:port");
    kind "unix": something accepts connections at the Unix socket `target`.
    """

    kind: Literal["http", "tcp", "unix"]
    target: str
    healthy_paths: tuple[str, ...] = ()


def _http(probe: Probe) -> str:
    # urllib, because httpx's import alone takes longer than a whole probe; loopback only, so proxies are ignored
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(probe.target, timeout=PROBE_TIMEOUT_SECONDS) as response:
            body = response.read()
    except urllib.error.HTTPError as error:
        return f"GET {probe.target} -> {error.code}"
    except (OSError, urllib.error.URLError) as error:
        return f"GET {probe.target} -> {getattr(error, 'reason', error)}"
    except http.client.HTTPException as error:  # another program may hold the port, and speak a language of its own
        return f"GET {probe.target} -> no HTTP: {type(error).__name__}"
    if not probe.healthy_paths:
        return ""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return f"GET {probe.target} -> no JSON"
    sick = []
    for path in probe.healthy_paths:
        value = answer
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value != "healthy":
            sick.append(f"{path.removesuffix('.status')} {value or 'unknown'}")
    return f"GET {probe.target} -> {', '.join(sick)}" if sick else ""


def _connect(family: socket.AddressFamily, address: Any, shown: str) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(PROBE_TIMEOUT_SECONDS)
        try:
            connection.connect(address)
        except OSError as error:
            return f"{shown}: {error.strerror or error}"
    return ""


def check(probe: Probe) -> str:
    """Ask once; the empty string means healthy, anything else says what is wrong."""
    match probe.kind:
        case "http":
            return _http(probe)
        case "tcp":
            host, _, port = probe.target.rpartition(":")
            return _connect(socket.AF_INET, (host, int(port)), probe.target)
        case "unix":
            return _connect(socket.AF_UNIX, probe.target, probe.target)


class StillWaiting(Exception):
    """Raised by `wait_until` when the time is over; carries the last complaint."""


def wait_until(complaint: Callable[[], str], *, timeout_seconds: float, interval_seconds: float = 0.05) -> None:
    """Call `complaint` until it returns the empty string.

    Raises StillWaiting with the last complaint after `timeout_seconds`. An exception of `complaint` ends the wait at
    once: that is how a caller says that waiting on is useless.
    """
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_result(bool),
        stop=tenacity.stop_after_delay(timeout_seconds),
        wait=tenacity.wait_fixed(interval_seconds),
    )
    try:
        retry(complaint)
    except tenacity.RetryError as error:
        raise StillWaiting(error.last_attempt.result()) from None


def lasting(complaint: Callable[[], str], *, seconds: float = UNRESPONSIVE_SECONDS) -> str:
    """The complaint that is still there after `seconds`; empty as soon as there is none."""
    try:
        wait_until(complaint, timeout_seconds=seconds, interval_seconds=0.5)
    except StillWaiting as error:
        return str(error)
    return ""
