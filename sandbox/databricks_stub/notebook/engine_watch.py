"""A connection to the Spark engine that carries nothing: it breaks when the engine ends, which is all that it is for.

Spark's client would try for ten minutes to reach an engine that is gone, and an engine that was started again has
forgotten the sessions of the one before, so that their tables are "not found". Here both are noticed at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from sandbox.databricks_stub.notebook.http2 import GREETING, Peer

REACH_SECONDS = 10.0
"""How long to wait for an engine that is being started again; its supervisor takes a second or two."""
PAUSE_SECONDS = 0.05
DEFAULT_PORT = 15002


class EngineDown(Exception):
    """The engine cannot be reached, or has ended; the message says so."""


def address(remote: str) -> tuple[str, int] | None:
    """Host and port of `sc://host:port`; None for kernels without Spark (`none://`), and where TLS is spoken."""
    if not remote.startswith("sc://"):
        return None
    place, _, options = remote.removeprefix("sc://").partition("/")
    # Documented: https://spark.apache.org/docs/latest/spark-connect-overview.html - a token implies TLS
    if any(option.startswith("token=") or option == "use_ssl=true" for option in options.lower().split(";")):
        return None
    host, _, port = place.partition(":")
    return host, int(port or DEFAULT_PORT)


class EngineWatch:
    """Sees whether the engine still is the one that it was made with; safe for several threads."""

    def __init__(self, remote: str, stop: threading.Event, *, reach_seconds: float = REACH_SECONDS) -> None:
        where = address(remote)
        self._connection = _reach(where, reach_seconds, stop) if where else None
        self._peer = Peer()
        self._lock = threading.Lock()

    def has_ended(self) -> bool:
        """Whether the engine has ended since, even if another one has been started."""
        if self._connection is None:
            return False
        with self._lock:  # what was received must be answered once
            try:
                while data := self._connection.recv(4096):
                    if replies := self._peer.replies(data):
                        self._connection.sendall(replies)
                return True
            except BlockingIOError:
                return False
            except OSError:
                return True

    def close(self) -> None:
        """Look no more."""
        if self._connection is not None:
            self._connection.close()


def _reach(where: tuple[str, int], seconds: float, stop: threading.Event) -> socket.socket:
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection = socket.create_connection(where, timeout=seconds)
        except OSError as error:
            if time.monotonic() > deadline or stop.wait(PAUSE_SECONDS):
                raise EngineDown(f"the Spark engine does not answer at {where[0]}:{where[1]} ({error})") from error
        else:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            with contextlib.suppress(OSError):  # has_ended() will say so
                connection.sendall(GREETING)
            connection.setblocking(False)
            return connection
