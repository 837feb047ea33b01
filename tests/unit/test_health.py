"""A service that answers late is not one that has died."""

from __future__ import annotations

import socket
import threading

import pytest

from sandbox import health


def test_a_late_answer_is_no_complaint() -> None:
    """It was silent twice, then it answered."""
    answers = iter(["timed out", "timed out", ""])

    assert health.lasting(lambda: next(answers), seconds=30) == ""


def test_what_lasts_is_told() -> None:
    """The last complaint, when there was nothing else all the time."""
    assert health.lasting(lambda: "connection refused", seconds=0.01) == "connection refused"


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut off"],
    ids=["another protocol", "an answer that breaks off"],
)
def test_what_does_not_speak_http_is_a_complaint(answer: bytes) -> None:
    """Another program may hold the port of a service."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_once, args=(server, answer), daemon=True).start()
        target = f"http://127.0.0.1:{server.getsockname()[1]}/health"

        complaint = health.check(health.Probe(kind="http", target=target))

    assert complaint.startswith(f"GET {target} -> no HTTP: ")


def _answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)
