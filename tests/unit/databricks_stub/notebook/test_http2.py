"""The little HTTP/2 that the watch speaks."""

from __future__ import annotations

from sandbox.databricks_stub.notebook.http2 import GREETING, Peer

SETTINGS = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00" + b"\x00\x03\x7f\xff\xff\xff"
PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"12345678"
SETTINGS_TAKEN = b"\x00\x00\x00\x04\x01\x00\x00\x00\x00"
PING_TAKEN = b"\x00\x00\x08\x06\x01\x00\x00\x00\x00" + b"12345678"


def test_the_greeting_is_the_preface_and_settings() -> None:
    """RFC 9113, 3.4."""
    assert GREETING.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert GREETING[24:] == b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def test_settings_and_pings_are_acknowledged() -> None:
    """A ping with what it carried."""
    assert Peer().replies(SETTINGS + PING) == SETTINGS_TAKEN + PING_TAKEN


def test_frames_may_come_in_pieces() -> None:
    """A frame is answered when it is whole."""
    peer = Peer()

    found = [peer.replies(bytes([byte])) for byte in PING]

    assert found[:-1] == [b""] * (len(PING) - 1)
    assert found[-1] == PING_TAKEN


def test_acknowledgements_are_not_acknowledged() -> None:
    """Nor is what is neither settings nor a ping."""
    window_update = b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x0f\x00\x01"

    assert Peer().replies(SETTINGS_TAKEN + PING_TAKEN + window_update) == b""
