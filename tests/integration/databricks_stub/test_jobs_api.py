"""The workspace as a process: what survives kill -9, SIGTERM and a second start."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.integration.databricks_stub.conftest import WorkspaceProcess, wait_until


def test_a_killed_workspace_loses_nothing(workspace: WorkspaceProcess) -> None:
    """What ran is started again, what waited still waits, what had ended is not repeated."""
    first = workspace.run_now("medallion")
    workspace.ended(first)
    slow = workspace.run_now("slow")
    wait_until(lambda: "hold_on" in workspace.started(), "the start of hold_on")
    queued = workspace.run_now("slow")

    workspace.kill()
    workspace.start()

    wait_until(lambda: workspace.started().count("hold_on") == 2, "the second start of hold_on")
    (workspace.folder / "hold_on").touch()
    assert workspace.ended(slow)["state"]["result_state"] == "SUCCESS"
    assert workspace.ended(queued)["state"]["result_state"] == "SUCCESS"
    assert workspace.ended(first)["state"]["result_state"] == "SUCCESS"
    assert workspace.started() == ["bronze", "gold", "hold_on", "hold_on", "hold_on"]


def test_every_accepted_run_is_there_after_a_kill_at_any_moment(workspace: WorkspaceProcess) -> None:
    """Killed in the middle of a burst of requests, again and again: no run whose id a client got is missing."""
    accepted: list[int] = []
    for _ in range(3):
        job_id = workspace.job_id("medallion")
        accepted += [
            workspace.client.post("/api/2.2/jobs/run-now", json={"job_id": job_id}).json()["run_id"] for _ in range(5)
        ]
        workspace.kill()
        workspace.start()

    assert [workspace.ended(run_id)["state"]["result_state"] for run_id in accepted] == ["SUCCESS"] * 15


def test_sigterm_waits_for_nothing_and_the_run_goes_on_later(workspace: WorkspaceProcess) -> None:
    """Exit code 0 while a task still runs and a client still waits for a statement."""
    run_id = workspace.run_now("slow")
    wait_until(lambda: "hold_on" in workspace.started(), "the start of hold_on")

    with ThreadPoolExecutor() as pool:
        body = {"statement": "select forever", "warehouse_id": "x", "wait_timeout": "50s"}
        waiting = pool.submit(workspace.client.post, "/api/2.0/sql/statements", json=body, timeout=60)
        wait_until(lambda: "forever" in workspace.started(), "the start of the statement")
        code = workspace.terminate()
        answer = waiting.result()
    (workspace.folder / "hold_on").touch()
    workspace.start()

    assert code == 0
    assert answer.json()["status"]["state"] == "RUNNING"
    assert workspace.ended(run_id)["state"]["result_state"] == "SUCCESS"


def test_a_second_workspace_over_the_same_port_says_so(workspace: WorkspaceProcess) -> None:
    """Exit code 5 and one line."""
    assert workspace.process is not None
    arguments: Any = workspace.process.args
    environment = {"PYTHONPATH": ".", "SANDBOX_DATABRICKS_TOKEN": "x"}

    answer = subprocess.run(
        [arguments[0], "-m", "sandbox.databricks_stub", "--config", str(workspace.config)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert answer.returncode == 5
    assert answer.stderr == f"error: cannot bind 127.0.0.1:{workspace.port}: Address already in use\n"


def test_wrong_settings_are_told_all_together(workspace: WorkspaceProcess) -> None:
    """Exit code 2; also a missing token."""
    assert workspace.process is not None
    arguments: Any = workspace.process.args
    wrong = workspace.root / "wrong.json"
    wrong.write_text('{"host": "0.0.0.0", "port": 0, "prot": 1}')

    answer = subprocess.run(
        [arguments[0], "-m", "sandbox.databricks_stub", "--config", str(wrong)],
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert answer.returncode == 2
    for words in (
        "unknown key 'prot'",
        "missing key 'engine'",
        "binds 127.0.0.1 only",
        "port:",
        "SANDBOX_DATABRICKS_TOKEN",
    ):
        assert words in answer.stderr
