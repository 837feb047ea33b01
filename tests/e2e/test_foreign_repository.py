"""The package as a wheel, in an environment of its own, in another team's repository: from init to gold tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.runtimes.uv import run_uv
from tests.driver import REPOSITORY
from tests.foreign import FILES, ORDERS, OWN_PACKAGE, REVENUE_OF_CUSTOMER_1, make_repository
from tests.git import git

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("foreign repository")]

LOCKS = REPOSITORY / "sandbox" / "runtimes" / "locks"


def execute(*command: object, cwd: Path, expect: int = 0) -> str:
    """Run a command in an environment that knows nothing of this checkout; its standard output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SANDBOX_", "PYTEST"))}
    kept["PATH"] = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not Path(folder).is_relative_to(REPOSITORY)
    )
    kept.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=kept, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == expect, f"{command} -> {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def uv(*arguments: object, folder: Path) -> None:
    """uv as the tool runs it: with what this machine has told pip of its network."""
    outcome = run_uv([str(word) for word in arguments], folder=folder)
    assert outcome.returncode == 0, outcome.tail


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The wheel's commands, and the repository that they are used in."""

    bin: Path
    repository: Path

    def __call__(self, *arguments: str) -> str:
        return execute(self.bin / "sandbox", *arguments, cwd=self.repository)

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel as a tool of uv's, with pytest; the repository has no sandbox yet."""
    folder = tmp_path_factory.mktemp("foreign")
    uv("build", "--quiet", "--wheel", "--python", sys.executable, "--no-build-isolation",
       "--out-dir", folder / "wheel", REPOSITORY, folder=folder)  # fmt: skip
    wheel = next((folder / "wheel").glob("*.whl"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UV_TOOL_DIR", str(folder / "tools"))
        environment.setenv("UV_TOOL_BIN_DIR", str(folder / "bin"))
        uv("tool", "install", "--quiet", "--python", sys.executable, "--constraints", LOCKS / "dev.txt",
           "--with", "pytest", "--with", "pytest-xdist", wheel, folder=folder)  # fmt: skip
    assert [path.name for path in (folder / "bin").iterdir()] == ["sandbox"]
    installed = Installed(
        bin=folder / "tools" / "data-platform-sandbox" / "bin", repository=make_repository(folder / "orders")
    )
    try:
        yield installed
    finally:
        installed("down")


@pytest.fixture(scope="module")
def drafted(installed: Installed) -> dict[str, Any]:
    """What init said; the one thing that it asked is answered, and the row with the team's package has its lock."""
    report: dict[str, Any] = installed.json("init")
    assert [item["what"] for item in report["unknown"]] == [
        "which S3 prefix lies behind the volume commerce.bronze.landing"
    ]
    file = installed.repository / "sandbox.toml"
    text = file.read_text("utf-8")
    assert text.count('"s3://orders-lake/"') == 1
    file.write_text(text.replace('"s3://orders-lake/"', '"s3://orders-lake/landing/"'), encoding="utf-8")
    locks = installed.json("runtimes", "lock")["locks"]
    assert {(lock["state"], *lock["additions"]) for lock in locks} == {("new", OWN_PACKAGE)}
    return report


def test_the_tool_is_not_this_checkout_s(installed: Installed) -> None:
    """The package is imported from the environment, and brings what it builds from: locks, Dockerfiles, the chart."""
    program = """
from sandbox.backends.kind_release import CHART
from sandbox.images.registry import IMAGES
from sandbox.runtimes.registry import RUNTIMES
for spec in RUNTIMES.values(): print(spec.lock_file)
for spec in IMAGES.values(): print(spec.folder / "Dockerfile")
print(CHART / "Chart.yaml")
"""

    brought = execute(installed.bin / "python", "-c", program, cwd=installed.repository).splitlines()

    assert brought
    assert all(Path(file).is_relative_to(installed.bin.parent) and Path(file).is_file() for file in brought)


def test_the_dags_are_valid(installed: Installed, drafted: dict[str, Any]) -> None:
    """Before anything runs."""
    assert sorted(dag["dag_id"] for dag in installed.json("validate")["dags"]) == drafted["dags"]


def test_the_pipeline_runs_to_its_gold_table(installed: Installed, drafted: dict[str, Any]) -> None:
    """The DAG writes to its bucket, the job of two notebooks reads the volume, the tables hold what was written."""
    installed("up")

    result = installed.json("run")

    assert result["state"] == "success"
    assert [run["dag_id"] for run in result["dag_runs"]] == ["orders_daily"]
    assert [(task["task_key"], task["state"]) for task in result["job_runs"][0]["tasks"]] == [
        ("bronze", "SUCCESS"),
        ("revenue", "SUCCESS"),
    ]
    assert {table["name"]: table["rows"] for table in result["tables"]} == {
        "commerce.bronze.orders": ORDERS,
        "commerce.gold.revenue": 7,
    }
    rows = installed.json("sql", "SELECT cents FROM commerce.gold.revenue WHERE customer = 'customer-1'")["rows"]
    assert rows == [[REVENUE_OF_CUSTOMER_1]]


def test_down_leaves_the_repository_as_it_was(installed: Installed, drafted: dict[str, Any]) -> None:
    """Nothing runs, and no file of the team has changed."""
    installed("down")

    services = json.loads(execute(installed.bin / "sandbox", "status", "--json", cwd=installed.repository, expect=5))
    assert services["services"] == []
    assert {name: (installed.repository / name).read_text("utf-8") for name in FILES} == FILES


def test_the_first_test_passes(installed: Installed, drafted: dict[str, Any]) -> None:
    """pytest finds the fixtures by itself; two workers share a sandbox, and nothing of it is left."""
    out = execute(installed.bin / "pytest", "-q", "--numprocesses=2", "tests/cell", cwd=installed.repository)

    assert "2 passed" in out
    assert not list((installed.repository / ".sandbox").glob("*pytest-*"))


def test_its_own_matrix_passes_its_own_gate(installed: Installed, drafted: dict[str, Any]) -> None:
    """The cell that init drafted passes, and the evidence has the team's notebooks, jobs and lock in it."""
    git(installed.repository, "init", "--quiet")
    git(installed.repository, "add", "--all")
    git(installed.repository, "commit", "--quiet", "--message", "a sandbox")

    ran = installed.json("matrix", "run", "--group", "pr")
    verdict = installed.json("gate", "--policy", "release")

    assert [(cell["state"], cell["counts"]["passed"]) for cell in ran["cells"]] == [("passed", 2)]
    assert verdict["passed"]
    evidence = json.loads(Path(verdict["evidence"]).read_text("utf-8"))
    names = {item["name"] for item in evidence["predicate"]["configuration"]}
    assert {"analytics/src", "analytics/jobs/orders.yml", "orchestration/dags"} <= names
    assert [name for name in names if name.startswith("lock:airflow-3.0.2-py3.11-") and "dbx" not in name]
