"""Services die in the middle of a run, archives are broken, the bucket is gone: clear ends, right tables."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox import health
from tests.driver import Cli
from tests.places import PLACES
from tests.truth import Truth, of_archive

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bad days")]

TABLES = "projects.default"
PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="module")
def truth(cli: Cli) -> Truth:
    """What the tables must hold after the sample has run; the sandbox is up and has run it once."""
    assert cli("quickstart", "--json").value["state"] == "success"
    return of_archive(cli.paths.archives / "sample.stackexchange.com.7z")


def assert_tables_are_right(cli: Cli, truth: Truth) -> None:
    counts = cli.rows(f"SELECT count(*), count(DISTINCT Id) FROM {TABLES}.raw_posts")
    tags = cli.rows(f"SELECT tag_exploded, tags_count FROM {TABLES}.marts_top_tags")
    assert counts == [[truth.posts, truth.posts]]
    assert dict(tags) == truth.tags


def newest_run(cli: Cli, dag_id: str) -> dict[str, Any]:
    return cli.airflow.dag_runs(dag_id)[0]


@pytest.mark.parametrize("service", ["databricks", "spark", "airflow", "postgres", "s3", "archive"])
def test_a_service_that_dies_in_the_middle_of_a_run(cli: Cli, truth: Truth, service: str) -> None:
    """The run finishes, or ends with its reason; `up` repairs; the next run leaves exactly the right tables."""
    before = newest_run(cli, "trigger_databricks_workflow_dag")["dag_run_id"]
    started = cli.started[service]
    process = cli.start("run")
    waits_for = "produce_data_asset" if service in ("s3", "archive") else "trigger_databricks_workflow_dag"

    def complaint() -> str:
        assert process.poll() is None, process.communicate()
        run = newest_run(cli, waits_for)
        started = run["dag_run_id"] != before and run["state"] == "running"
        return "" if started else "not running yet"

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.1)
    PLACES[cli.backend].crash(cli, service)
    out, err = process.communicate(timeout=PATIENCE_SECONDS * 2)

    assert process.returncode in (0, 1, 5), (out, err)
    assert process.returncode == 0 or err.startswith("error:") or "\nerror:" in err
    cli("up")
    assert cli.started[service] != started
    assert cli("run", "--json").value["state"] == "success"
    assert_tables_are_right(cli, truth)


def test_ctrl_c_ends_the_following_and_not_the_run(cli: Cli, truth: Truth) -> None:
    """`run` ends with 130 and says what goes on and how to end it; the chain finishes, the tables are right."""
    before = newest_run(cli, "produce_data_asset")["dag_run_id"]
    process = cli.start("run")

    def complaint() -> str:
        run = newest_run(cli, "produce_data_asset")
        return "" if run["dag_run_id"] != before and run["state"] == "running" else "not running yet"

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    run_id = newest_run(cli, "produce_data_asset")["dag_run_id"]
    assert process.returncode == 130
    assert f"produce_data_asset goes on: {cli.airflow.base_url}/dags/produce_data_asset/runs/{run_id}" in err
    health.wait_until(
        lambda: "" if newest_run(cli, "produce_data_asset")["state"] == "success" else "still running",
        timeout_seconds=PATIENCE_SECONDS,
    )
    assert cli("run", "--json").value["state"] == "success"
    assert_tables_are_right(cli, truth)


def test_a_killed_supervisor_is_replaced_without_a_restart(cli: Cli, truth: Truth) -> None:
    """`status` says that it is gone; `up` starts another one, which adopts the services."""
    if cli.backend != "process":
        pytest.skip(f"no supervisor of ours looks after the {cli.backend} backend")
    before = {name: state.pid for name, state in cli.state.services.items()}

    os.kill(cli.state.pid, signal.SIGKILL)
    complaint = cli("status", expect=5)
    cli("up")

    assert "not healthy: supervisor" in complaint.err
    assert {name: state.pid for name, state in cli.state.services.items()} == before


@pytest.mark.parametrize("content", [b"", b"this is no archive", b"7z\xbc\xaf\x27\x1c" + bytes(40)])
def test_a_broken_archive_ends_in_one_message(cli: Cli, truth: Truth, tmp_path: Path, content: bytes) -> None:
    """A file that is no 7z fails the run with its reason, and the tables stay."""
    file = tmp_path / "broken.stackexchange.com.7z"
    file.write_bytes(content)

    done = cli("run", "--archive", str(file), expect=1)

    assert "broken.stackexchange.com.7z" in done.err
    assert_tables_are_right(cli, truth)


def test_a_site_that_the_mirror_does_not_have(cli: Cli, truth: Truth) -> None:
    """A 404 is said with the address that was asked for."""
    done = cli("run", "--conf", '{"site": "nowhere.stackexchange.com"}', expect=1)

    assert "nowhere.stackexchange.com.7z" in done.err
    assert "404" in done.err


def test_a_missing_bucket_is_named(cli: Cli, truth: Truth) -> None:
    """The producer says which bucket is missing; `up` does not need to be run for the next message to be right."""
    bucket = cli.bucket("data-platform")
    bucket.objects.delete()
    bucket.delete()

    done = cli("run", expect=1)

    assert "data-platform" in done.err
    assert_tables_are_right(cli, truth)
