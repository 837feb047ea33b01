"""`sandbox init` in another team's repository: what it finds, what it asks, what it writes and what it leaves alone."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sandbox.adopt.ignored import is_ignored
from sandbox.adopt.packages import _of_poetry
from sandbox.cli.main import run
from sandbox.config.model import Config
from sandbox.matrix.model import load
from tests.foreign import EXPORT, FILES, make_repository

FILE = "orchestration/dags/orders/export.py"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another team's repository, which is the working folder."""
    folder = make_repository(tmp_path / "orders")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def report(repository: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `sandbox init --json` prints there."""
    assert run(["init", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def read(repository: Path) -> Config:
    return Config.model_validate(tomllib.loads((repository / "sandbox.toml").read_text("utf-8")))


def dag(repository: Path, text: str) -> None:
    (repository / "orchestration" / "dags" / "more.py").write_text(
        f"from airflow.sdk import DAG\n{text}\nDAG('more')\n"
    )


def questions(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert run(["init", "--json", "--dry-run"]) == 0
    return {item["what"]: item["where"] for item in json.loads(capsys.readouterr().out)["unknown"]}


def test_the_settings_are_those_of_the_repository(repository: Path, report: dict[str, Any]) -> None:
    """Folders, row, connections, Variables, pools, buckets, catalog, schemas, volumes and the DAG to run."""
    config = read(repository)

    assert (config.project.dags, config.project.bundle) == ("orchestration/dags", "analytics/databricks.yml")
    assert (config.project.bundle_target, config.project.notebooks) == ("dev", "analytics/src")
    assert (config.airflow.version, config.airflow.python) == ("3.0.2", "3.11")
    services = {name: connection.service for name, connection in config.airflow.connections.items()}
    assert services == {"lake_s3": "s3", "dbx_analytics": "databricks"}
    assert config.airflow.variables == {"landing_prefix": "landing"}
    assert set(config.airflow.pools) == {"exports"}
    assert config.s3.buckets == ("orders-lake",)
    assert config.databricks.catalog == "commerce"
    assert set(config.databricks.schemas) == {"bronze", "gold"}
    assert config.databricks.volumes == {"commerce.bronze.landing": "s3://orders-lake/"}
    assert config.run.dag == "orders_daily"
    assert report["dags"] == ["orders_daily", "vacuum_tables"]
    assert report["jobs"] == ["orders_medallion"]


def test_what_is_unknown_is_asked_with_its_place(report: dict[str, Any]) -> None:
    """The prefix behind the volume; nothing else."""
    asked = {item["what"]: item["where"] for item in report["unknown"]}

    assert asked == {
        "which S3 prefix lies behind the volume commerce.bronze.landing": "analytics/src/bronze_orders.ipynb:2",
    }


def test_every_value_says_where_it_was_found(repository: Path, report: dict[str, Any]) -> None:
    """File and line stand behind the value."""
    text = (repository / "sandbox.toml").read_text("utf-8")
    source = EXPORT.splitlines()
    connection = next(number for number, line in enumerate(source, 1) if "databricks_conn_id" in line)
    variable = next(number for number, line in enumerate(source, 1) if "Variable.get" in line)

    assert f'dbx_analytics = {{ service = "databricks" }}  # {FILE}:{connection}\n' in text
    assert f'landing_prefix = "landing"  # {FILE}:{variable}, value of orchestration/Dockerfile:2\n' in text


def test_the_matrix_and_the_test_are_usable(repository: Path, report: dict[str, Any]) -> None:
    """The matrix loads, production's row is its first cell; the test is Python and names the DAGs."""
    matrix = load(repository / "matrix.toml")
    test = (repository / "tests" / "cell" / "test_pipeline.py").read_text("utf-8")

    assert matrix.cells[0].id == "airflow3.0.2-py3.11-process-sail-dbx7.6.0"
    assert len({cell.airflow for cell in matrix.cells}) == 2
    assert matrix.required(matrix.policies["release"]) == matrix.cells[:1]
    assert [node.name for node in ast.parse(test).body if isinstance(node, ast.FunctionDef)]
    assert '"orders_daily"' in test


def test_nothing_is_overwritten_unless_forced(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that exists ends it before anything is written."""
    (repository / "matrix.toml").write_text("# mine\n")

    refused = run(["init"])
    untouched = (repository / "matrix.toml").read_text()
    written = (repository / "sandbox.toml").exists()
    forced = run(["init", "--force"])

    assert (refused, untouched, written) == (2, "# mine\n", False)
    assert "already there: matrix.toml" in capsys.readouterr().err
    assert forced == 0
    assert (repository / "sandbox.toml").exists()
    assert load(repository / "matrix.toml").cells


def test_a_dry_run_writes_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the files."""
    before = sorted(repository.rglob("*"))

    assert run(["init", "--dry-run"]) == 0

    assert sorted(repository.rglob("*")) == before
    assert "[airflow.connections]" in capsys.readouterr().out


def test_the_team_s_files_are_left_alone(repository: Path, report: dict[str, Any]) -> None:
    """Nothing but the three files is new, and no other file has changed."""
    assert {name: (repository / name).read_text("utf-8") for name in FILES} == FILES


def test_no_code_is_executed(repository: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A module with effects has none."""
    witness = tmp_path / "executed"
    dag(repository, f"open({str(witness)!r}, 'w')")

    assert run(["init", "--dry-run"]) == 0

    assert not witness.exists()


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("from airflow.sdk import Variable\nVariable.get('who')", "the value of the Variable who"),
        ("from airflow.sdk import Variable\nVariable.get(name)", "the names of Variables that the code computes"),
        ("x = dict(postgres_conn_id='warehouse')", "what the connection warehouse reaches"),
        ("x = dict(http_conn_id=name)", "the name of a connection that the code computes"),
        ("import peewee", "which package the module peewee comes from"),
        (
            "from airflow.providers.snowflake.operators.snowflake import SnowflakeOperator",
            "the row has no provider snowflake",
        ),
    ],
)
def test_what_a_dag_leaves_open(repository: Path, capsys: pytest.CaptureFixture[str], code: str, question: str) -> None:
    """Each is asked, and what can be written as a place to fill in is."""
    dag(repository, code)

    assert question in questions(capsys)


@pytest.mark.parametrize(
    "code",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import peewee",
        "import json, pendulum",
        "x = '{{ var.value.landing_prefix }}'",
        "x = dict(aws_conn_id=None)",
        "from common.names import JOB",
    ],
)
def test_what_needs_no_question(repository: Path, capsys: pytest.CaptureFixture[str], code: str) -> None:
    """Imports for types, packages of the row, Variables with a value, no connection, modules of the repository."""
    dag(repository, code)

    assert len(questions(capsys)) == 1


def test_packages_are_taken_from_the_requirements(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A module that the row lacks, a provider version that differs."""
    dag(repository, "import peewee")
    (repository / "orchestration" / "requirements.txt").write_text(
        "# ours\napache-airflow==3.0.2\npeewee==3.17.9  # orders\n"
        "apache-airflow-providers-databricks==7.7.0\nunused==1.0\n"
    )

    assert run(["init"]) == 0

    assert "sandbox runtimes lock" in capsys.readouterr().out
    config = read(repository)
    assert config.airflow.extra_requirements == ("peewee==3.17.9",)
    assert config.airflow.providers == {"databricks": "7.7.0"}
    assert load(repository / "matrix.toml").cells[0].databricks == "7.7.0"


def test_an_airflow_without_a_row(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest older row is taken, and it is said."""
    (repository / "orchestration" / "Dockerfile").write_text("FROM apache/airflow:3.0.99-python3.9\n")

    asked = questions(capsys)

    assert "there is no row for Airflow 3.0.99" in asked
    assert any("has no row on Python 3.9" in what for what in asked)


def test_assets_tell_where_a_chain_begins(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The DAG whose asset another one waits for is the one to run."""
    dags = repository / "orchestration" / "dags"
    (dags / "things.py").write_text("from airflow.sdk import Asset\nORDERS = Asset('orders')\n")
    (dags / "first.py").write_text(
        "from airflow.sdk import dag, task\nfrom things import ORDERS\n\n@dag\ndef first():\n"
        "    @task(outlets=[ORDERS])\n    def make(): ...\n"
    )
    (dags / "second.py").write_text(
        "from airflow.sdk import DAG\nfrom things import ORDERS\nDAG('second', schedule=[ORDERS])\n"
    )

    assert run(["init"]) == 0

    assert read(repository).run.dag == "first"


def test_secrets_are_never_copied(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither those of notebooks nor values of Variables whose name speaks of one."""
    dag(repository, "from airflow.sdk import Variable\nVariable.get('api_token')")
    (repository / "analytics" / "src" / "call.py").write_text(
        "# Databricks notebook source\ntoken = dbutils.secrets.get(scope='up-stream', key='token')\n"
    )
    (repository / ".env").write_text("")
    (repository / "compose.yaml").write_text("AIRFLOW_VAR_API_TOKEN: abcdef123\n")

    assert run(["init"]) == 0

    text = (repository / "sandbox.toml").read_text("utf-8")
    assert "abcdef123" not in text
    assert read(repository).databricks.secrets == {"up-stream": {"token": "to-fill-in"}}
    assert "TO FILL IN" in text


def test_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to find; the files are valid all the same."""
    monkeypatch.chdir(tmp_path)

    assert run(["init"]) == 0

    assert read(tmp_path) == Config()
    assert "no DAG file was found" in capsys.readouterr().out


def test_poetrys_packages_are_ranges(repository: Path) -> None:
    """As Poetry means them; what it has for Python or for a path is none."""
    dag(repository, "import humanize, emoji")
    (repository / "pyproject.toml").write_text(
        "[tool.poetry.dependencies]\npython = '^3.11'\nhumanize = '^4.12'\n"
        "emoji = {version = '~2.14.1', extras = ['dev']}\nunused = '*'\nmine = {path = '../mine'}\n"
    )

    assert run(["init"]) == 0

    wanted = read(repository).airflow.extra_requirements
    assert set(wanted) == {"humanize>=4.12,<5", "emoji>=2.14.1,<2.15"}


@pytest.mark.parametrize(
    ("constraint", "wanted"),
    [("^0.2.3", ">=0.2.3,<0.3"), ("^0.0", ">=0.0,<0.1"), ("~1", ">=1,<2"), ("1.2.*", "==1.2.*"), ("^1 || ^2", "")],
)
def test_a_constraint_of_poetry(constraint: str, wanted: str) -> None:
    """Or none, where pip has no such thing."""
    assert list(_of_poetry({"x": constraint})) == [f"x{wanted}"]


def test_a_dag_that_airflow_ignores_asks_for_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What lies beside it counts still."""
    folder = repository / "orchestration" / "dags"
    (folder / "attic").mkdir()
    (folder / "attic" / "old.py").write_text(
        "from airflow.sdk import DAG, Variable\nVariable.get('forgotten')\nDAG('old')\n"
    )
    dag(repository, "from airflow.sdk import Variable\nVariable.get('wanted')")
    (folder / ".airflowignore").write_text("# old things\nattic/\n")

    asked = questions(capsys)

    assert "the value of the Variable wanted" in asked
    assert "the value of the Variable forgotten" not in asked


@pytest.mark.parametrize(
    ("lines", "ignored"),
    [
        ("old_*", True),
        ("deep/", True),
        ("/old_a.py", False),
        ("deep/old_?.py", True),
        ("**/old_a.py", True),
        ("deep/**", True),
        ("*.py\n!old_a.py", False),
        ("old", False),
    ],
)
def test_lines_of_airflowignore(tmp_path: Path, lines: str, ignored: bool) -> None:
    """The syntax is that of .gitignore."""
    (tmp_path / ".airflowignore").write_text(lines)

    assert is_ignored(tmp_path / "deep" / "old_a.py", tmp_path) is ignored


def test_a_variable_that_is_json_is_json(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A text to fill in would not import."""
    code = "Variable.get('limits', deserialize_json=True)\nX = '{{ var.json.y.z }}'"
    dag(repository, f"from airflow.sdk import Variable\n{code}")

    assert "the JSON of the Variable limits" in questions(capsys)
    assert run(["init"]) == 0

    variables = read(repository).airflow.variables
    assert (variables["limits"], variables["y"]) == ("{}", "{}")
