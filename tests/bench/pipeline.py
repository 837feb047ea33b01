"""`sandbox run` on a larger archive."""

from __future__ import annotations

from typing import Any

from tests.bench.model import Result
from tests.bench.project import project

POSTS, USERS = 100_000, 30_000


def pipeline(repeat: int) -> list[Result]:
    """100,000 posts and 30,000 users from the archive to gold, once whatever `repeat` says."""
    del repeat
    with project() as cli:
        archive = cli.project.parent / "large.stackexchange.com.7z"
        sizes = ("--posts", str(POSTS), "--users", str(USERS))
        cli("archive", "generate", "--site", "large.stackexchange.com", *sizes, "-o", str(archive))
        cli("up")
        value = cli("run", "--archive", str(archive), "--json").value
        assert cli.rows("SELECT count(*) FROM marts_posts_users") == [[POSTS]]
    job_run = value["job_runs"][0]
    airflow = ", ".join(_words(task, "task_id") for run in value["dag_runs"] for task in run["tasks"])
    notebooks = ", ".join(_words(task, "task_key") for task in job_run["tasks"])
    return [
        Result(
            name="pipeline",
            what=f"archive to gold, {POSTS:,} posts and {USERS:,} users",
            unit="s",
            ours=value["seconds"],
            note=f"Airflow's tasks: {airflow}; job_run {job_run['seconds']:.1f} s: {notebooks}",
        )
    ]


def _words(task: dict[str, Any], key: str) -> str:
    return f"{task[key]} {task['seconds'] or 0:.1f} s"
