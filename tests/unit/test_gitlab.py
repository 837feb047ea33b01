"""The equivalent of the workflows on GitLab that docs/ci.md shows: its program is run, its limits are kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.matrix.model import load
from tests.driver import REPOSITORY


def child_pipeline(group: str, folder: Path) -> dict[str, Any]:
    """What the program in ci.md makes of what `nox -l --json` prints of a group."""
    page = (REPOSITORY / "docs" / "ci.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    listed = [{"session": name} for name in cell_sessions(group)]
    (folder / "sessions.json").write_text(json.dumps(listed), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, "sessions.json", group],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    pipeline: dict[str, Any] = json.loads(done.stdout)
    return pipeline


def cell_sessions(group: str) -> list[str]:
    """The sessions of a group's cells."""
    return [f"e2e-{cell.id}" for cell in load(REPOSITORY / "matrix.toml").cells if group in cell.groups]


@pytest.mark.parametrize("group", ["pr", "nightly", "release"])
def test_gitlab_s_program_makes_a_job_of_each_session(group: str, tmp_path: Path) -> None:
    """The cells, what else GitHub's workflows run, then the cells' report and the gate."""
    pipeline = child_pipeline(group, tmp_path)
    names = cell_sessions(group)
    others = {"pr": ["integration", "e2e"], "nightly": ["planted", "backends-docker", "backends-kind"], "release": []}

    assert [*pipeline] == ["variables", *names, *others[group], "report"]
    for name in names:
        job = pipeline[name]
        assert f'.venv/bin/nox -s "{name}"' in job["script"]
        assert ("tags" in job) == ("-docker-" in name or "-kind-" in name)
        assert any("openjdk" in line for line in job.get("before_script", ())) == ("-spark-" in name)
    assert [need["job"] for need in pipeline["report"]["needs"]] == names
    assert len({path for name in names for path in pipeline[name]["artifacts"]["paths"]}) == len(names)
    asks = f".venv/bin/sandbox gate --policy {group}" in pipeline["report"]["script"]
    assert asks == (group != "nightly")


def test_gitlab_s_caches(tmp_path: Path) -> None:
    """One per job, anew when a lock changes, within the project; a release has none, and of files GitLab takes two."""
    locks = tmp_path / "sandbox" / "runtimes" / "locks"
    locks.mkdir(parents=True)
    (locks / "airflow.txt").write_text("1")
    before = child_pipeline("pr", tmp_path)
    (locks / "engine.jars").write_text("1")
    after = child_pipeline("pr", tmp_path)

    keys = [before[name]["cache"]["key"] for name in (*cell_sessions("pr"), "integration", "e2e")]
    assert len({*keys}) == len(keys)
    assert not {*keys} & {after[name]["cache"]["key"] for name in (*cell_sessions("pr"), "integration", "e2e")}
    folders = [value.removeprefix("$CI_PROJECT_DIR/") for value in before["variables"].values()]
    assert all(folder.startswith(".cache/") for folder in folders)
    assert "/.cache/" in (REPOSITORY / ".gitignore").read_text().splitlines()
    assert not any("cache" in job for job in child_pipeline("release", tmp_path).values())
    (own,) = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "docs" / "ci.md").read_text("utf-8"), re.DOTALL)
    caches = [job["cache"] for job in yaml.safe_load(own).values() if isinstance(job, dict) and "cache" in job]
    assert caches
    for cache in caches:
        assert 1 <= len(cache["key"]["files"]) <= 2
        assert all((REPOSITORY / file).is_file() for file in cache["key"]["files"])
