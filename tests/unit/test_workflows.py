"""The CI workflows: pinned, with no more rights than they need, and about groups that exist."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.backends import BACKENDS
from sandbox.matrix.model import load
from tests.driver import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
NOT_IN_CI = {
    "bench": "wants a quiet machine",
    "lock": "changes the locks",
    "matrix": "each cell is a job, by a session of its own",
    "e2e": "its tests run by `backends`, on each backend, and its cell is a job of the matrix",
}


def parsed(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def jobs_of(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The jobs of a workflow by name."""
    return [*parsed(path)["jobs"].items()]


def scripts(job: dict[str, Any]) -> Iterator[str]:
    """What a job runs, once for each combination of its matrix, whose values stand in place of the variables."""
    matrix = job.get("strategy", {}).get("matrix", {})
    axes = {name: values for name, values in matrix.items() if name != "include" and isinstance(values, list)}
    choices = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    for choice in [*choices, *matrix.get("include", ())]:
        for step in job.get("steps", ()):
            text = str(step.get("run", ""))
            for name, value in step.get("env", {}).items():
                for axis, chosen in choice.items():
                    if value == f"${{{{ matrix.{axis} }}}}":
                        text = text.replace(f'"${name}"', chosen)
            yield text


def sessions() -> dict[str, list[list[str]]]:
    """The sessions of Nox that workflows call, with what each call says behind `--`."""
    found: dict[str, list[list[str]]] = {}
    for path in WORKFLOWS:
        for _, job in jobs_of(path):
            for script in scripts(job):
                for names, arguments in re.findall(r"nox -s ([\w ]+?)(?: -- (.+))?$", script, re.MULTILINE):
                    for name in names.split():
                        found.setdefault(name, []).append(arguments.split())
    return found


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
            assert re.fullmatch(r"[\w-]+/[\w-]+(/\w+)?@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_one_commit_per_action() -> None:
    """An action has the same version everywhere."""
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, commit in re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@(\w+)", path.read_text("utf-8")):
            pins.setdefault(action, set()).add(commit)

    assert {action: len(commits) for action, commits in pins.items()} == dict.fromkeys(pins, 1)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_rights_and_limits(path: Path) -> None:
    """Nothing by default, reading for each job with a checkout, a time limit, no credentials left by the checkout."""
    workflow = parsed(path)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        reads = "uses" in job or "actions/checkout@" in str(job["steps"])
        assert job["permissions"] == ({"contents": "read"} if reads else {}), name
        assert "uses" in job or job["timeout-minutes"] <= (120 if path.stem == "nightly" else 60), name
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_pipe_fails_with_its_first_part(path: Path) -> None:
    """Only a shell that is named has pipefail; and what is cancelled ends, but for the required check."""
    workflow = parsed(path)

    runs = [step for _, job in jobs_of(path) for step in job.get("steps", ()) if "run" in step]
    assert not runs or workflow["defaults"]["run"]["shell"] == "bash"
    always = [name for name, job in jobs_of(path) if "always()" in str(job)]
    assert always == (["required"] if path.stem == "ci" else [])


def test_one_check_says_it_all() -> None:
    """The required one waits for all others, and is not left out, which would count as passed."""
    jobs = parsed(REPOSITORY / ".github" / "workflows" / "ci.yml")["jobs"]

    assert {*jobs["required"]["needs"]} == jobs.keys() - {"required"}
    assert jobs["required"]["if"] == "${{ always() }}"


def test_every_session_runs_in_ci() -> None:
    """All but those that say why not, and those of the cells, which matrix.yml lists."""
    every = set(re.findall(r"@nox\.session\ndef (\w+)", (REPOSITORY / "noxfile.py").read_text("utf-8")))

    assert every - sessions().keys() == NOT_IN_CI.keys()


def test_every_backend_is_tested_in_ci() -> None:
    """The contract and the user's tests on each, the images where they are built, all the folders."""
    calls = {tuple(arguments) for arguments in sessions()["backends"]}

    assert calls == {
        *itertools.product(BACKENDS, ["tests/integration/backends", "tests/e2e"]),
        ("docker", "tests/integration/images"),
    }


def test_the_chart_s_tests_are_not_skipped_in_ci() -> None:
    """Where the linters are, Airflow's chart is fetched before the unit tests."""
    runs = [step["run"] for step in parsed(WORKFLOWS[0])["jobs"]["checks"]["steps"] if "run" in step]
    fetch, tests = (next(at for at, run in enumerate(runs) if word in run) for word in ("chart_archive", " unit "))

    assert fetch < tests


def test_caches_have_what_runtimes_link_to() -> None:
    """uv's Pythons beside the runtimes, and the runner's Python in the key."""
    caches = [
        step["with"]
        for path in WORKFLOWS
        for _, job in jobs_of(path)
        for step in job.get("steps", ())
        if "actions/cache" in step.get("uses", "") and "data-platform-sandbox" in step["with"]["path"]
    ]

    assert len(caches) == 3
    for cache in caches:
        assert "~/.local/share/uv/python" in cache["path"].split()
        for key in (cache["key"], cache["restore-keys"]):
            assert "${{ steps.python.outputs.python-version }}" in key


def test_the_report_job_looks_at_what_there_is() -> None:
    """It is left out when the run is cancelled only, and fails, at its end, when there were no cells to list."""
    job = parsed(REPOSITORY / ".github" / "workflows" / "matrix.yml")["jobs"]["report"]

    assert job["if"] == "${{ !cancelled() }}"
    assert "needs.cells.result != 'success'" in job["steps"][-1]["if"]
    assert "exit 1" in job["steps"][-1]["run"]
    (uploaded,) = (step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert uploaded == "${{ steps.merged.outputs.folder }}"


def test_groups_and_policies_exist() -> None:
    """What a workflow asks the matrix for is in matrix.toml."""
    matrix = load(REPOSITORY / "matrix.toml")
    asked = [job["with"] for path in WORKFLOWS for job in parsed(path)["jobs"].values() if "with" in job]

    assert [each["group"] for each in asked] == ["pr", "nightly", "release"]
    assert {each["group"] for each in asked} <= matrix.groups.keys()
    assert {each["policy"] for each in asked if "policy" in each} == matrix.policies.keys()


def test_only_a_release_is_signed() -> None:
    """As ci.md says: no other workflow passes the key."""
    assert [path.stem for path in WORKFLOWS if "secrets.SANDBOX_REPORT_KEY" in path.read_text("utf-8")] == [
        "matrix",
        "release",
    ]


def test_every_workflow_is_documented() -> None:
    """Each has its row in ci.md."""
    page = (REPOSITORY / "docs" / "ci.md").read_text("utf-8")

    assert all(f"| `{path.name}` |" in page for path in WORKFLOWS)


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
