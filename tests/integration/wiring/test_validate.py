"""`sandbox validate` on a copy of this repository's artefacts, in Airflow's own interpreter, with mistakes planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.driver import Cli, copy_project
from tests.interpreters import interpreter

pytestmark = [pytest.mark.xdist_group("validate")]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line in a project of its own; nothing is started in it."""
    return Cli(project=copy_project(tmp_path / "project"))


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Change a file; it must really change."""
    before = path.read_text("utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, "utf-8")


def line_of(path: Path, text: str) -> int:
    """The first line that holds the text."""
    return 1 + next(at for at, line in enumerate(path.read_text("utf-8").splitlines()) if text in line)


def test_this_repository_has_no_finding(cli: Cli) -> None:
    """No false alarm on what runs; and nothing is left out on the quiet."""
    result = cli("validate", "--json").value

    assert (result["findings"], result["skipped"], result["ignored"]) == ([], {}, 0)
    assert [dag["dag_id"] for dag in result["dags"]] == ["produce_data_asset", "trigger_databricks_workflow_dag"]


def test_mistakes_are_named_by_file_and_line(cli: Cli) -> None:
    """A wrong widget name, a missing notebook, a missing depends_on, a job that is called otherwise: all at once."""
    bundle, tags = cli.project / "databricks.yml", cli.project / "notebooks" / "gold_most_popular_tags.py"
    dag = cli.project / "dags" / "trigger_databricks_workflow_dag.py"
    edit(tags, lambda text: text.replace('widgets.get("catalog")', 'widgets.get("catalgo")'))
    edit(bundle, lambda text: text.replace("./notebooks/gold_post_users.py", "./notebooks/gold_posts_users.py"))
    edit(bundle, lambda text: text.replace("          depends_on:\n            - task_key: bronze_posts\n", ""))
    edit(dag, lambda text: text.replace('JOB_NAME = "medallion"', 'JOB_NAME = "medalion"'))

    done = cli("validate", expect=1)

    places = {
        "widget-passed": (tags, line_of(tags, "catalgo"), "did you mean 'catalog'?"),
        "notebook-exists": (bundle, line_of(bundle, "gold_posts_users.py"), "did you mean gold_post_users.py?"),
        "table-order": (bundle, line_of(bundle, "task_key: silver_posts"), "add to depends_on: task_key: bronze_posts"),
        "job-exists": (dag, line_of(dag, "job_name=JOB_NAME"), "did you mean 'medallion'?"),
    }
    for rule, (path, line, hint) in places.items():
        assert f"{path}:{line}: " in done.err, rule
        assert f"{rule}: {hint}" in done.err
    assert "validate found 4 errors" in done.err


def test_what_is_missing_in_sandbox_toml_is_named(cli: Cli) -> None:
    """A connection under another name than the DAG's."""
    edit(cli.project / "sandbox.toml", lambda text: text.replace("databricks_conn =", "databricks =", 1))

    done = cli("validate", "--json", expect=1)

    dag = cli.project / "dags" / "trigger_databricks_workflow_dag.py"
    (found,) = [finding for finding in done.value["findings"] if finding["severity"] == "error"]
    assert (found["rule"], found["subject"]) == ("connection-defined", "databricks_conn")
    assert (found["file"], found["line"]) == (str(dag), line_of(dag, "databricks_conn_id=DATABRICKS_CONNECTION"))


@pytest.mark.slow
def test_another_row_says_what_it_would_break(cli: Cli) -> None:
    """A DAG that only the present row imports, and code inside of a task that no Airflow 3 has any more."""
    interpreter("airflow-3.3.2-py3.12")
    only_here = cli.project / "dags" / "only_here.py"
    removed = cli.project / "dags" / "removed.py"
    only_here.write_text(
        "# a dag file\nimport airflow.sdk\n\nif airflow.__version__ > '3.1':\n    raise ImportError('gone')\n"
    )
    removed.write_text(
        "from airflow.sdk import dag, task\n\n\n@dag\ndef removed():\n    @task\n    def old():\n"
        "        from airflow.utils.dates import days_ago\n\n        return str(days_ago(1))\n\n"
        "    old()\n\n\nremoved()\n"
    )

    here = cli("validate", "--json").value
    done = cli("validate", "--row", "3.3.2-py3.12", expect=1, timeout_seconds=900)

    assert here["findings"] == []
    assert f"{only_here}:5: on airflow-3.3.2-py3.12: ImportError: gone" in done.err
    assert f"{removed}:10: " in done.err
    assert "AIR301" in done.err
    assert "validate found 2 errors" in done.err


def test_a_row_that_does_not_exist_is_refused(cli: Cli) -> None:
    """Before anything is imported, with the rows that there are."""
    assert "airflow-3.3.2-py3.12" in cli("validate", "--row", "9.9.9-py3.12", expect=2).err
