"""The example of docs/testing.md on the sample pipeline, and what stays after a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.backends import BACKENDS, Capability
from tests.docs.pages import FENCE, text
from tests.driver import copy_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pytest plugin")]

BACKEND = ("SANDBOX_BACKEND", "SANDBOX_IMAGES_", "SANDBOX_AIRFLOW_CHART", "SANDBOX_KIND_")
FAILING = """
def test_which_fails(sandbox):
    sandbox.run("produce_data_asset", {"site": "nowhere.stackexchange.com"})
"""


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own, with the plugin as it is installed, on the backend that this run tests."""
    foreign = {name for name in os.environ if name.startswith(("SANDBOX_", "PYTEST")) and not name.startswith(BACKEND)}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=project,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample project with the page's example as its test."""
    project = copy_project(tmp_path_factory.mktemp("plugin") / "project")
    example = next(match["code"] for match in FENCE.finditer(text("docs/testing.md")) if "def test_" in match["code"])
    (project / "tests" / "platform").mkdir(parents=True)
    (project / "tests" / "platform" / "test_pipeline.py").write_text(example)
    (project / "tests" / "test_failing.py").write_text(FAILING)
    return project


def test_the_example_passes(project: Path) -> None:
    """On a sandbox of its own, of which nothing is left."""
    done = run_pytest(project, "tests/platform")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    assert not list((project / ".sandbox").glob("*pytest-*"))


def test_a_failure_shows_its_cause_and_keeps_the_logs(project: Path) -> None:
    """The report has the failing task's log and where the sandbox's logs are; they are there, and nothing runs."""
    done = run_pytest(project, "tests/test_failing.py")

    assert done.returncode == 1
    assert "nowhere.stackexchange.com.7z" in done.stdout
    kept = list((project / ".sandbox").glob("pytest-*"))
    assert len(kept) == 1
    assert f"logs: {kept[0] / 'logs'}" in done.stdout
    if Capability.LOGS_OUTLIVE_DOWN in BACKENDS[os.environ.get("SANDBOX_BACKEND", "process")].CAPABILITIES:
        assert (kept[0] / "logs" / "airflow-api-server.log").stat().st_size > 0
    assert not (kept[0] / "state.json").exists()
