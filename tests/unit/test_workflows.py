"""The CI workflows: pinned, with no more rights than they need, and about groups that exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.matrix.model import load
from tests.driver import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def parsed(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def test_there_are_workflows() -> None:
    """The three that somebody starts, and the one that they call."""
    assert [path.stem for path in WORKFLOWS] == ["ci", "matrix", "nightly", "release"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """With the version in a comment, so that an update can be seen."""
    used = re.findall(r"uses: (\S+)(.*)", path.read_text("utf-8"))

    assert used
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_one_commit_per_action() -> None:
    """An action has the same version everywhere."""
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, commit in re.findall(r"uses: ([\w/-]+)@(\w+)", path.read_text("utf-8")):
            pins.setdefault(action, set()).add(commit)

    assert {action: len(commits) for action, commits in pins.items()} == dict.fromkeys(pins, 1)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_rights_and_limits(path: Path) -> None:
    """Nothing by default, reading for each job, a time limit, no credentials left by the checkout."""
    workflow = parsed(path)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"] == {"contents": "read"}, name
        assert "uses" in job or job["timeout-minutes"] <= 60, name
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_groups_and_policies_exist() -> None:
    """What a workflow asks the matrix for is in matrix.toml."""
    matrix = load(REPOSITORY / "matrix.toml")
    asked = [job["with"] for path in WORKFLOWS for job in parsed(path)["jobs"].values() if "with" in job]

    assert [each["group"] for each in asked] == ["pr", "nightly", "release"]
    assert {each["group"] for each in asked} <= matrix.groups.keys()
    assert {each["policy"] for each in asked if "policy" in each} <= matrix.policies.keys()


def test_every_workflow_is_documented() -> None:
    """Each has its row in ci.md."""
    page = (REPOSITORY / "docs" / "ci.md").read_text("utf-8")

    assert all(f"| `{path.name}` |" in page for path in WORKFLOWS)


def test_gitlab_s_program_makes_a_job_of_each_session(tmp_path: Path) -> None:
    """The program in ci.md, with what `nox -l --json` prints, is the child pipeline: its cells, then their report."""
    page = (REPOSITORY / "docs" / "ci.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    sessions = [f"e2e-{cell.id}" for cell in load(REPOSITORY / "matrix.toml").cells]
    (tmp_path / "sessions.json").write_text(json.dumps([{"session": name} for name in sessions]), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-c", program, "sessions.json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    jobs = json.loads(done.stdout)

    assert [*jobs] == [*sessions, "report"]
    assert all(f'.venv/bin/nox -s "{name}"' in jobs[name]["script"] for name in sessions)
    assert [need["job"] for need in jobs["report"]["needs"]] == sessions
    assert len({path for name in sessions for path in jobs[name]["artifacts"]["paths"]}) == len(sessions)


def test_every_python_of_the_tool_is_tested() -> None:
    """Those that the package names, by the workflow and by its equivalent on GitLab."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    named = [re.search(r":: (3\.\d+)$", text) for text in project["classifiers"]]
    pythons = {found.group(1) for found in named if found}
    jobs = parsed(REPOSITORY / ".github" / "workflows" / "ci.yml")["jobs"]
    first = next(step["with"]["python-version"] for step in jobs["checks"]["steps"] if "setup-python" in str(step))
    gitlab = re.search(r"PYTHON: (\[.*?\])", (REPOSITORY / "docs" / "ci.md").read_text("utf-8"))

    further = jobs["pythons"]["strategy"]["matrix"]["python"]
    assert {first, *further} == pythons
    assert gitlab is not None
    assert json.loads(gitlab.group(1)) == further
