"""What ends an `up` early, and what comes back."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sandbox.backends import kind_cluster, kind_wait
from sandbox.backends.kind_cluster import cluster_name
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from sandbox.console import Terminal
from sandbox.errors import SandboxError
from tests.driver import Cli
from tests.e2e.kind.drills import Keep, docker, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("kind")]


MARTS = "SELECT count(*) FROM projects.default.marts_posts_users"


def test_another_version_of_the_chart_is_refused(up: Cli) -> None:
    """The archive that is named holds 1.18.0: nothing is installed, and the running sandbox stays as it is."""
    if "SANDBOX_AIRFLOW_CHART" not in os.environ:
        pytest.skip("SANDBOX_AIRFLOW_CHART names no chart: there is nothing to be of another version")
    broken = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_AIRFLOW_CHART_VERSION": "9.9.9"})
    assert "is not Airflow's chart 9.9.9" in broken("up", expect=4).err
    up("status")


def test_a_crashing_pod_ends_up_early(up: Cli, keep: Keep) -> None:
    """`up` names the pod and shows the end of its log, long before the time-out; a further `up` mends it."""
    settings = (up.project / "sandbox.toml").read_text()
    (up.project / "sandbox.toml").write_text(
        settings.replace("[airflow.config]", '[airflow.config]\n"core.auth_manager" = "no.such.Manager"')
    )
    begun = time.monotonic()
    refused = up("up", expect=5)
    keep("seconds until a crashing pod ended `up`", round(time.monotonic() - begun, 1))
    (up.project / "sandbox.toml").write_text(settings)

    assert "crashes: container" in refused.err
    assert "no.such" in refused.err
    up("up")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("sandbox.services.archive.image=data-platform-sandbox/archive:gone", 4, "has no image"),
        ("sandbox.pods.archive.requests.memory=900Gi", 5, "finds no node"),
    ],
    ids=["ImagePullBackOff", "no room"],
)
def test_a_pod_that_never_starts_is_named(
    up: Cli, tools: Tools, keep: Keep, change: str, code: int, words: str
) -> None:
    """The wait ends with the pod and its events, in seconds; a further `up` mends it."""
    values: tuple[str, ...] = ("--reuse-values", "--set-string", change)
    if "memory" in change:
        values = (*values, "--set-string", "sandbox.pods.archive.limits.memory=901Gi")
    tools.run("helm", "upgrade", RELEASE, str(up.paths.root / "chart"), "--namespace", tools.namespace, *values)
    begun = time.monotonic()
    with pytest.raises(SandboxError) as told:
        kind_wait.until_ready(tools, timeout_seconds=300, progress=Terminal(quiet=True))
    keep("seconds until it was told", round(time.monotonic() - begun, 1))

    assert words in told.value.what
    assert told.value.exit_code == code
    up("up")


def test_restarted_nodes_come_back_with_everything(up: Cli, keep: Keep) -> None:
    """A restart of the machine's Docker, seen from here: tables and history are there again by themselves."""
    rows = up.rows(MARTS)
    label = f"label=io.x-k8s.kind.cluster={cluster_name(up.paths)}"
    docker("restart", "--time", "5", *docker("ps", "--quiet", "--filter", label).split())
    begun = time.monotonic()
    up("up")
    keep("seconds of an up after a restart of the nodes", round(time.monotonic() - begun, 1))

    assert up.rows(MARTS) == rows
    assert up.airflow.dag_runs("produce_data_asset")


def test_down_frees_the_machine_and_keeps_everything(up: Cli) -> None:
    """No container runs; the next `up` finds tables and history."""
    rows = up.rows(MARTS)
    up("down")
    assert "Up" not in docker("ps", "--filter", f"name={cluster_name(up.paths)}")
    up("up")
    assert up.rows(MARTS) == rows
    assert up.airflow.dag_runs("produce_data_asset")


def test_a_killed_up_leaves_nothing_that_is_in_the_way(up: Cli, keep: Keep) -> None:
    """kill -9 while Kind makes the nodes: the next `up` replaces the half-made cluster, `down` deletes it."""
    half = Cli(project=up.project, name="thalf", env=up.env)
    try:
        for again in ("down", "up"):
            process = half.start("up")
            eventually(lambda: "" if kind_cluster.nodes(half.paths) else "no node yet")
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert not kind_cluster.exists(half.paths)
            done = half(again, timeout_seconds=1500)
            if again == "down":
                assert "half-made and is deleted" in done.err
                assert kind_cluster.nodes(half.paths) == {}
        assert half("status", "--json").value["healthy"]
    finally:
        half("reset", expect=None)
    assert kind_cluster.nodes(half.paths) == {}
