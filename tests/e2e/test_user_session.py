"""A user's session: quickstart, look, edit, run again, break, repair, down; on the real services."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import health
from tests.driver import Cli
from tests.places import PLACES, listeners
from tests.truth import Truth, of_archive

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("user session")]

GOLD = "projects.default"


@pytest.fixture(scope="module")
def first_run(cli: Cli) -> dict[str, Any]:
    """What `sandbox quickstart` printed."""
    value: dict[str, Any] = cli("quickstart", "--json").value
    return value


@pytest.fixture(scope="module")
def truth(cli: Cli, first_run: dict[str, Any]) -> Truth:
    """What the gold tables must hold, computed from the archive in plain Python."""
    return of_archive(cli.paths.archives / "sample.stackexchange.com.7z")


def with_first_cell(notebook: str, code: str) -> str:
    """A notebook in source format with one more cell before the others."""
    header, _, rest = notebook.partition("\n")
    return f"{header}\n{code}\n\n# COMMAND ----------\n{rest}"


def test_the_whole_chain_runs(first_run: dict[str, Any]) -> None:
    """The archive becomes two asset events, those a dag_run, that a job_run of five notebooks."""
    assert first_run["state"] == "success"
    assert [run["dag_id"] for run in first_run["dag_runs"]] == ["produce_data_asset", "trigger_databricks_workflow_dag"]
    assert [(run["job"], run["state"]) for run in first_run["job_runs"]] == [("medallion", "SUCCESS")]
    assert len(first_run["job_runs"][0]["tasks"]) == 5
    assert len(first_run["assets"]) == 2


def test_the_tables_hold_what_the_archive_holds(cli: Cli, first_run: dict[str, Any], truth: Truth) -> None:
    """Bronze has every row, the marts are equal to an independent computation."""
    counts = {table["name"].rpartition(".")[2]: table["rows"] for table in first_run["tables"]}

    assert counts["raw_posts"] == truth.posts
    assert counts["raw_users"] == truth.users
    tags = cli.rows(f"SELECT tag_exploded, tags_count FROM {GOLD}.marts_top_tags")
    assert dict(tags) == truth.tags
    joined = cli.rows(f"SELECT PostTypeName, Score, Id, Reputation FROM {GOLD}.marts_posts_users")
    assert sorted(map(tuple, joined), key=str) == sorted((row[1:] for row in truth.joined), key=str)


def test_reload_restarts_what_it_is_told(cli: Cli, first_run: dict[str, Any]) -> None:
    """The named service is another process afterwards, the others are the same."""
    before = cli.started

    value = cli("reload", "archive", "--json").value

    after = cli.started
    assert value["healthy"] is True
    assert [name for name in before if before[name] != after[name]] == ["archive"]
    assert "there is no service 'nope'" in cli("reload", "nope", expect=3).err


def test_status_keeps_its_contract(cli: Cli, first_run: dict[str, Any]) -> None:
    """`status --json` has the fields that outside checks read, and everything is healthy."""
    status = cli("status", "--json").value

    assert (status["schema"], status["name"], status["backend"], status["healthy"]) == (1, "default", cli.backend, True)
    for service in status["services"]:
        assert {"name", "healthy", "url", "detail", "started"} <= service.keys()
    assert Path(status["credentials_file"]).stat().st_mode & 0o777 == 0o600


def test_other_tools_work_with_the_printed_environment(cli: Cli, first_run: dict[str, Any]) -> None:
    """boto3 and plain HTTP clients reach S3, Airflow and the workspace with nothing but `sandbox env`."""
    env = cli("env", "--json").value

    dags = httpx.get(
        f"{env['AIRFLOW_API_URL']}/dags", headers={"Authorization": f"Bearer {env['AIRFLOW_API_TOKEN']}"}
    ).json()
    jobs = httpx.get(
        f"{env['DATABRICKS_HOST']}/api/2.2/jobs/list", headers={"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"}
    ).json()

    assert list(cli.bucket("data-platform").objects.filter(Prefix="raw/"))
    assert "produce_data_asset" in [dag["dag_id"] for dag in dags["dags"]]
    assert [job["settings"]["name"] for job in jobs["jobs"]] == ["medallion"]


def test_up_again_changes_nothing(cli: Cli, first_run: dict[str, Any]) -> None:
    """A second `up` finds everything healthy and starts nothing anew."""
    before = cli.started

    cli("up")

    assert cli.started == before


def test_an_edited_dag_is_visible_within_three_seconds(cli: Cli, first_run: dict[str, Any]) -> None:
    """The inner loop: save a DAG file, see it in Airflow."""
    file = cli.project / "dags" / "freshly_written.py"
    client = cli.airflow

    file.write_text(
        'from airflow.sdk import dag\n\n\n@dag(tags=["fresh"])\ndef freshly_written(): ...\n\n\nfreshly_written()\n'
    )
    begun = time.monotonic()
    health.wait_until(lambda: "" if client.dag("freshly_written") else "not yet", timeout_seconds=30)
    seconds = time.monotonic() - begun

    assert "freshly_written" in [dag["dag_id"] for dag in cli("validate", "--json").value["dags"]]
    print(f"visible after {seconds:.1f} s")  # the goal is below 3 s; `nox -s bench` measures it
    file.unlink()


def test_a_dag_that_does_not_import_is_named_with_its_line(cli: Cli, first_run: dict[str, Any]) -> None:
    """`validate` ends with 1 and says file:line for a syntax error and for a missing module."""
    syntax, missing = cli.project / "dags" / "syntax.py", cli.project / "dags" / "missing.py"
    syntax.write_text("from airflow.sdk import dag\n\ndef x(:\n")
    missing.write_text("from airflow.sdk import dag\nimport a_module_of_the_future\n")

    done = cli("validate", expect=1)

    assert f"{syntax}:3: SyntaxError" in done.err
    assert f"{missing}:2: ModuleNotFoundError" in done.err
    syntax.unlink()
    missing.unlink()


def test_an_edited_notebook_is_what_the_next_run_executes(cli: Cli, first_run: dict[str, Any]) -> None:
    """No upload, no restart: the next job_run reads the file as it is."""
    notebook = cli.project / "notebooks" / "gold_most_popular_tags.py"
    original = notebook.read_text()
    notebook.write_text(
        with_first_cell(original, 'spark.sql("CREATE OR REPLACE TABLE edited USING delta AS SELECT 42 AS answer")')
    )

    cli("run")

    assert cli.rows("SELECT answer FROM edited") == [[42]]
    notebook.write_text(original)


def test_a_failing_notebook_shows_its_cell_and_traceback(cli: Cli, first_run: dict[str, Any]) -> None:
    """`run` ends with 1 and shows the notebook cell, what it printed, and why it failed."""
    notebook = cli.project / "notebooks" / "silver_posts.py"
    original = notebook.read_text()
    notebook.write_text(with_first_cell(original, 'print("about to fail")\nbroken = 1 / 0'))

    done = cli("run", expect=1)

    assert "silver_posts" in done.err
    assert "broken = 1 / 0" in done.err
    assert "about to fail" in done.err
    assert "ZeroDivisionError: division by zero" in done.err
    notebook.write_text(original)


def test_a_rerun_changes_no_table(cli: Cli, first_run: dict[str, Any], truth: Truth) -> None:
    """Everything is idempotent: after more runs, and one that failed, the tables are what they were."""
    again = cli("run", "--json").value

    counts = {table["name"]: table["rows"] for table in again["tables"]}
    assert {table["name"]: table["rows"] for table in first_run["tables"]}.items() <= counts.items()
    tags = cli.rows(f"SELECT tag_exploded, tags_count FROM {GOLD}.marts_top_tags")
    assert dict(tags) == truth.tags


def test_an_archive_of_ones_own(cli: Cli, first_run: dict[str, Any], tmp_path: Path) -> None:
    """`run --archive` takes a user's file through the whole pipeline."""
    file = tmp_path / "mine.stackexchange.com.7z"
    cli("archive", "generate", "--site", "mine", "--posts", "300", "--users", "50", "--seed", "9", "-o", str(file))
    mine = of_archive(file)

    result = cli("run", "--archive", str(file), "--json").value

    events = {asset["extra"]["rows"] for asset in result["assets"]}
    assert result["state"] == "success"
    assert events == {mine.posts, mine.users}


def test_down_leaves_nothing(cli: Cli, first_run: dict[str, Any]) -> None:
    """Nothing runs, no port is held, no socket is left; the next `up` finds the tables."""
    place = PLACES[cli.backend]
    ports = set(cli.context.ports.values())
    count = f"SELECT count(*) FROM {GOLD}.raw_posts"
    rows = cli.rows(count)

    begun = time.time()
    cli("down")

    assert place.running(cli) == []
    assert listeners(ports, before=begun) == []
    assert not cli.paths.runtime.exists()
    assert cli("status", expect=5).err.startswith("error: sandbox default is not up")
    cli("up")
    assert cli.rows(count) == rows
