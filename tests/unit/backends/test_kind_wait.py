"""Which pods end the wait early, and which only need time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.backends import kind_wait
from sandbox.backends.kind_tools import Tools
from sandbox.errors import PrerequisiteMissing, SandboxError, ServiceNotHealthy
from sandbox.progress import Silent
from tests.unit.backends.conftest import Answer

WAITER = "wait-for-airflow-migrations"


def pod(container: str = "main", *, reason: str = "", restarts: int = 0, **status: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": "said"}} if reason else {"running": {}}
    found = {"name": container, "image": "ours:1", "state": state, "restartCount": restarts, "lastState": {}}
    spec = {"containers": [{"name": container}]}
    return {"metadata": {"name": "p", "uid": "1"}, "spec": spec, "status": {"containerStatuses": [found], **status}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What `time.monotonic` says in the module; a test moves it."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    yield now


@pytest.fixture
def watch(answer: Answer, tools: Tools) -> kind_wait._Watch:
    """A wait that has just begun; `kubectl` knows no events and no logs."""
    answer({"get_events": {"items": []}, "get_pods": {"items": []}, "logs": "the last line"})
    return kind_wait._Watch(tools)


def outcome(watch: kind_wait._Watch, seen: Mapping[str, Any], *, migrated: bool = True) -> SandboxError | None:
    try:
        watch.judge(seen, migrated=migrated)
    except SandboxError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        ("CreateContainerConfigError", ServiceNotHealthy, "pod p: CreateContainerConfigError"),
        ("ImagePullBackOff", PrerequisiteMissing, "pod p has no image ours:1"),
    ],
)
def test_what_is_refused_once_is_tried_again(
    watch: kind_wait._Watch, clock: list[float], reason: str, kind: type[SandboxError], words: str
) -> None:
    """Only what is refused for a while ends the wait; what has come meanwhile begins anew."""
    assert outcome(watch, pod(reason=reason)) is None
    clock[0] = kind_wait.REFUSED_SECONDS + 1
    assert outcome(watch, pod()) is None
    assert outcome(watch, pod(reason=reason)) is None
    clock[0] += kind_wait.REFUSED_SECONDS + 1
    error = outcome(watch, pod(reason=reason))

    assert isinstance(error, kind)
    assert error.what == words


def test_crashes_before_the_wait_do_not_count(watch: kind_wait._Watch) -> None:
    """A restart of the node restarts every container."""
    assert outcome(watch, pod(reason="CrashLoopBackOff", restarts=7)) is None
    assert outcome(watch, pod(reason="CrashLoopBackOff", restarts=9)) is None
    error = outcome(watch, pod(reason="CrashLoopBackOff", restarts=10))

    assert isinstance(error, ServiceNotHealthy)
    assert error.what.startswith("pod p crashes: container main")
    assert "the last line" in (error.why or "")


def test_who_waits_for_the_migration_may_crash_until_it_is_done(watch: kind_wait._Watch) -> None:
    """Its container ends with an error for as long as there is no database."""
    for restarts in range(6):
        assert outcome(watch, pod(WAITER, reason="CrashLoopBackOff", restarts=restarts), migrated=False) is None
    assert outcome(watch, pod(WAITER, reason="CrashLoopBackOff", restarts=7)) is None
    assert outcome(watch, pod(WAITER, reason="CrashLoopBackOff", restarts=8)) is not None


@pytest.mark.parametrize(
    ("message", "patience"),
    [
        ("0/2 nodes are available: 2 Insufficient memory.", kind_wait.UNSCHEDULABLE_SECONDS),
        ("pod has unbound immediate PersistentVolumeClaims.", kind_wait.UNBOUND_SECONDS),
    ],
)
def test_a_volume_takes_longer_to_be_bound(
    watch: kind_wait._Watch, clock: list[float], message: str, patience: float
) -> None:
    """A node without room stays one; a claim is bound by a controller that may still have to begin."""
    condition = {"type": "PodScheduled", "reason": "Unschedulable", "message": message}
    homeless = pod(conditions=[condition])
    assert outcome(watch, homeless) is None
    clock[0] = patience
    assert outcome(watch, homeless) is None
    clock[0] = patience + 1
    error = outcome(watch, homeless)

    assert error is not None
    assert error.what == "pod p finds no node"


def test_worker_pods_are_airflows_business(watch: kind_wait._Watch, answer: Answer, tools: Tools) -> None:
    """A task whose pod crashes does not end `up`."""
    crashing = pod(reason="CrashLoopBackOff", restarts=9)
    crashing["metadata"]["labels"] = {"dag_id": "any", "component": "worker"}
    answer({"get_pods": json.dumps({"items": [crashing]}), "get_deployments": {"items": []}})

    assert outcome(watch, crashing) is None
    kind_wait.until_ready(tools, timeout_seconds=5, progress=Silent())
