"""What both clients say when a service does not answer."""

from __future__ import annotations

import pytest

from sandbox.clients.http import Api
from sandbox.errors import ServiceNotHealthy


@pytest.mark.parametrize("base", ["http://127.0.0.1:{port}", "http://127.0.0.1:{port}/api/v2/"])
def test_nobody_answers(free_port: int, base: str) -> None:
    """With the address that was asked, and the command that looks further."""
    api = Api(service="airflow", base_url=base.format(port=free_port))

    with pytest.raises(ServiceNotHealthy) as refused:
        api.request("GET", "version")

    assert refused.value.what == f"airflow does not answer: GET {base.format(port=free_port).rstrip('/')}/version"
    assert refused.value.next_command == "sandbox status"
