"""Fixtures of the unit tests."""

from __future__ import annotations

import socket

import pytest

from tests.unit.recorded import RecordedProgress


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def progress() -> RecordedProgress:
    return RecordedProgress()
