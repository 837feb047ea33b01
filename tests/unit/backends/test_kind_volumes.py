"""A full volume is named, whatever else its services say."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.backends import kind_volumes
from sandbox.backends.base import ServiceStatus
from sandbox.backends.kind_tools import Tools
from sandbox.errors import PrerequisiteMissing
from tests.unit.backends.conftest import Answer

DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda 1038336 {used} {free} 99% /state\n"
POD: dict[str, Any] = {
    "metadata": {"name": "postgres-0"},
    "spec": {
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-postgres-0"}},
            {"name": "project", "persistentVolumeClaim": {"claimName": "project", "readOnly": True}},
            {"name": "password", "secret": {}},
        ],
        "containers": [
            {
                "name": "postgres",
                "volumeMounts": [
                    {"name": "project", "mountPath": "/project"},
                    {"name": "data", "mountPath": "/state"},
                    {"name": "password", "mountPath": "/run/secrets"},
                ],
            }
        ],
    },
}


def service(name: str, *, healthy: bool) -> ServiceStatus:
    return ServiceStatus(name=name, title=name, healthy=healthy, url="", detail="said", where={}, started=None)


def test_a_volume_with_room_is_no_reason(answer: Answer, tools: Tools) -> None:
    """Only the volume that is written to is asked."""
    answer({"df_-Pk": DF.format(used=38336, free=1000000)})

    assert kind_volumes.full([POD], tools) is None
    kind_volumes.refuse_full([POD], tools)


def test_a_full_volume_is_named_with_the_way_out(answer: Answer, tools: Tools) -> None:
    """On a cluster the claim is enlarged."""
    answer({"df_-Pk": DF.format(used=1038336, free=0)})

    with pytest.raises(PrerequisiteMissing, match="the volume data-postgres-0 of pod postgres-0 is full") as refused:
        kind_volumes.refuse_full([POD], tools)

    assert "patch pvc data-postgres-0" in (refused.value.next_command or "")


def test_the_log_tells_of_one_that_crashes(answer: Answer, tools: Tools) -> None:
    """Nothing can be asked in a container that does not run."""
    answer({"logs_postgres-0": 'PANIC: could not write to file "pg_wal/x": No space left on device\n'})

    assert str(kind_volumes.full([POD], tools)) == "the volume data-postgres-0 of pod postgres-0 is full"


def test_what_is_not_healthy_says_why(answer: Answer, tools: Tools) -> None:
    """And what is healthy stays as it was; nothing is asked when all are."""
    well, sick = service("s3", healthy=True), service("airflow", healthy=False)
    assert kind_volumes.blamed([well], [POD], tools) == (well,)

    answer({"df_-Pk": DF.format(used=1038336, free=0)})
    same, blamed = kind_volumes.blamed([well, sick], [POD], tools)

    assert same == well
    assert blamed.detail == "the volume data-postgres-0 of pod postgres-0 is full; said"
