"""PostgreSQL's pod, volume and backups."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from sandbox.backends.kind_cluster import cluster_name
from sandbox.backends.kind_tools import Tools
from tests.driver import Cli
from tests.e2e.kind.drills import Keep, docker, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("kind")]


@contextlib.contextmanager
def small_disk(up: Cli, tools: Tools) -> Iterator[float]:
    """The database's volume is a disk without any room; yields when it became so. It has its own disk afterwards."""
    [volume] = [
        each for each in tools.get("persistentvolumes") if each["spec"]["claimRef"]["name"] == "data-postgres-0"
    ]
    folder = volume["spec"]["hostPath"]["path"]
    script = (
        f"set -e; mv {folder} {folder}.large; mkdir {folder}; "
        f"mount -t tmpfs -o size=$(du -sk {folder}.large | cut -f1)k tmpfs {folder}; "
        f"cp -a {folder}.large/. {folder}/ || true; dd if=/dev/zero of={folder}/filler bs=4k || true"
    )
    on_worker = ("exec", f"{cluster_name(up.paths)}-worker", "sh", "-c")
    scale = ("scale", "statefulset/postgres")
    tools.kubectl(*scale, "--replicas=0")
    tools.kubectl("wait", "pod/postgres-0", "--for=delete", "--timeout=120s")
    docker(*on_worker, script)
    begun = time.monotonic()
    tools.kubectl(*scale, "--replicas=1")
    try:
        yield begun
    finally:
        tools.kubectl(*scale, "--replicas=0")
        tools.kubectl("wait", "pod/postgres-0", "--for=delete", "--timeout=120s")
        docker(*on_worker, f"umount {folder} && rmdir {folder} && mv {folder}.large {folder}")
        tools.kubectl(*scale, "--replicas=1")


def test_a_deleted_database_pod_keeps_the_history(up: Cli, tools: Tools, keep: Keep) -> None:
    """The volume outlives its pod, and Airflow finds the database again by itself."""
    runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
    tools.kubectl("delete", "pod", "postgres-0", "--grace-period=0", "--force")
    seconds = eventually(lambda: "" if up("status", expect=None).code == 0 else "not healthy yet", 300)
    keep("seconds until all is healthy after the database's pod was deleted", round(seconds, 1))

    assert runs
    assert {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")} == runs


def test_the_database_is_backed_up_and_restored(up: Cli, tools: Tools, keep: Keep) -> None:
    """What was lost after the backup is there again after the restore; both times are told."""
    runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
    dump = up("database", "backup", "--json").value
    keys = [item.key for item in up.bucket("data-platform").objects.filter(Prefix="backups/")]
    psql = ("exec", "postgres-0", "--container", "postgres", "--", "sh", "-c")
    tools.kubectl(
        *psql,
        'PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") psql -h 127.0.0.1 -U airflow -c "TRUNCATE dag_run CASCADE"',
    )
    assert up.airflow.dag_runs("produce_data_asset") == []

    restored = up("database", "restore", "--json").value

    keep("seconds of a backup", dump["seconds"])
    keep("seconds of a restore, Airflow healthy again", restored["seconds"])
    assert dump["dump"].removeprefix("s3://data-platform/") in keys
    assert restored["dump"] == dump["dump"]
    assert {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")} == runs
    assert up("database", "list", "--json").value["dumps"]


def test_a_full_volume_of_the_database_is_named(up: Cli, tools: Tools, keep: Keep) -> None:
    """`status` and `up` say that the volume is full, not what that makes PostgreSQL say; with room all is back."""
    runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
    with small_disk(up, tools) as seconds:
        refused = up("up", expect=4)
        assert "the volume data-postgres-0 of pod postgres-0 is full" in refused.err
        assert "the volume data-postgres-0 of pod postgres-0 is full" in up("status", expect=5).out
        keep("seconds until a full volume ended `up`", round(time.monotonic() - seconds, 1))

    up("up")
    assert {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")} == runs
