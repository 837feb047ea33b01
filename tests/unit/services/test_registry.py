"""The registry's entries fit together."""

from __future__ import annotations

import pytest

from sandbox.services import SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_yields_to_one_that_is_started_at_once(name: str) -> None:
    """No chain and no circle: what others wait for waits for nobody."""
    first = SERVICES[name].yields_to

    assert first == "" or SERVICES[first].yields_to == ""
