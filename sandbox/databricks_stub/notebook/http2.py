"""The least of HTTP/2 that keeps a connection open which carries nothing: the greeting, and answers to pings.

Documented: https://www.rfc-editor.org/rfc/rfc9113
"""

from __future__ import annotations

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""The client's preface and an empty SETTINGS frame; gRPC's Java server ends connections that lack it after 120 s."""
HEADER_BYTES = 9
SETTINGS, PING = 0x4, 0x6
ACKNOWLEDGED = 0x1


class Peer:
    """What the other side has said so far."""

    def __init__(self) -> None:
        self._pending = b""

    def replies(self, data: bytes) -> bytes:
        """Take what was received; gives what must be sent: acknowledgements of settings and pings."""
        self._pending += data
        found = b""
        while len(self._pending) >= HEADER_BYTES:
            length = int.from_bytes(self._pending[:3])
            if len(self._pending) < HEADER_BYTES + length:
                break
            kind, flags = self._pending[3], self._pending[4]
            payload = self._pending[HEADER_BYTES : HEADER_BYTES + length]
            self._pending = self._pending[HEADER_BYTES + length :]
            if flags & ACKNOWLEDGED:
                continue
            if kind == SETTINGS:
                found += _frame(SETTINGS, b"")
            elif kind == PING:
                found += _frame(PING, payload)
        return found


def _frame(kind: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, ACKNOWLEDGED, 0, 0, 0, 0)) + payload
