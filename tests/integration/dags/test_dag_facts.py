"""What tests/cell/dag_facts.py says of DAG files that do at import what they should not, and of those that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cell.interpreter import AirflowPython
from tests.interpreters import interpreter

ROWS = ["airflow-3.0.2-py3.11", "airflow-3.3.2-py3.12"]
DAG = """
from airflow.sdk import dag, task


@dag(schedule=None)
def {name}():
    @task
    def work(): ...

    work()


{name}()
"""
TRIED = """
import contextlib
with contextlib.suppress(Exception):
    """
READ, LIST, WRITE = "reads outside of the DAG folder", "lists files outside of the DAG folder", "changes files"
PROCESS, NETWORK, LOOKUP = "starts a process", "uses the network", "asks Airflow"
AWS_HOOK = "from airflow.providers.amazon.aws.hooks.s3 import S3Hook"
EFFECTS = {
    "opens": ('open("/etc/hostname").read()', READ, "/etc/hostname"),
    "reads": ('import pathlib; pathlib.Path("/etc/hostname").read_text()', READ, "/etc/hostname"),
    "reads_by_a_library": ('import pandas; pandas.read_csv("/etc/hostname")', READ, "/etc/hostname"),
    "reads_above": ('import os; open(os.path.dirname(__file__) + "/../rules.yaml").read()', READ, "/../rules.yaml"),
    "reads_wherever_it_is": ('open("rules.yaml").read()', READ, "rules.yaml"),
    "lists": ('import os; os.listdir("/etc")', LIST, "/etc"),
    "searches": ('import pathlib; list(pathlib.Path("/etc").glob("*"))', LIST, "/etc"),
    "writes": ('open(__file__ + ".txt", "w").close()', WRITE, "writes.py.txt"),
    "touches": ('import pathlib; pathlib.Path(__file__ + ".mark").touch()', WRITE, "touches.py.mark"),
    "makes_a_folder": ('import pathlib; pathlib.Path(__file__ + ".d").mkdir()', WRITE, "makes_a_folder.py.d"),
    "removes": ('import shutil; shutil.rmtree("/nowhere/at/all")', WRITE, "/nowhere/at/all"),
    "sleeps": ("import time; time.sleep(0.01)", "sleeps", "0.01"),
    "sleeps_by_another_name": ("from time import sleep; sleep(0.01)", "sleeps", "0.01"),
    "calls": ('import subprocess; subprocess.run(["true"])', PROCESS, "true"),
    "shells": ('import os; os.system("true")', PROCESS, "true"),
    "connects": ('import socket; socket.create_connection(("127.0.0.1", 9))', NETWORK, "127.0.0.1"),
    "fetches": ('import requests; requests.get("http://127.0.0.1:9", timeout=1)', NETWORK, "127.0.0.1"),
    "asks_a_database": ('import sqlite3; sqlite3.connect(":memory:").close()', "opens a database", ":memory:"),
    "starts_a_thread": ("import threading; threading.Thread(target=print).start()", "starts a thread", "print"),
    "has_a_variable": ('from airflow.sdk import Variable; Variable.get("v")', LOOKUP, "Variable.get v"),
    "has_an_old_variable": ('from airflow.models import Variable; Variable.get("v")', LOOKUP, "Variable.get v"),
    "has_a_connection": (f'{AWS_HOOK}; S3Hook.get_connection("c")', LOOKUP, " c"),
}
"""By the name of the file: what stands in its last line, and what is said of that."""
CLEAN = {
    "reads_beside_it": """
import pathlib, yaml
here = pathlib.Path(__file__).parent
rules = [yaml.safe_load(each.read_text()) for each in sorted(here.glob("rules*.yaml"))]
assert rules == [{"pause": 1}]
""",
    "knows_its_time_zone": 'import zoneinfo; zoneinfo.ZoneInfo("Europe/Berlin")',
    "asks_for_settings": 'from airflow.configuration import conf; conf.get("core", "dags_folder")',
    "looks_at_packages": 'import importlib.metadata; importlib.metadata.version("apache-airflow")',
    "knows_a_temporary_folder": "import tempfile; tempfile.gettempdir()",
    "makes_a_hook": f'{AWS_HOOK}; S3Hook(aws_conn_id="nowhere")',
    "imports_much": "import pandas, pyarrow, requests, sqlite3",
    "says_something": 'import logging; logging.getLogger(__name__).info("hello"); open("/dev/null", "w").close()',
}
CYCLE = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("cyclic", schedule=None):
    first, second = EmptyOperator(task_id="first"), EmptyOperator(task_id="second")
    first >> second >> first
"""
MODULE = """
import pathlib

HOST = pathlib.Path("/etc/hostname").read_text()
"""
WAITS = "import threading; threading.Event().wait(1.2)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All the DAG files."""
    folder = tmp_path_factory.mktemp("dags")
    texts = {name: f"{TRIED}{case[0]}" for name, case in EFFECTS.items()} | CLEAN | {"waits": WAITS}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(f"{DAG.format(name=name)}{text}\n")
    (folder / "rules.yaml").write_text("pause: 1\n")
    (folder / "cyclic.py").write_text(CYCLE)
    for name in ("taken", "taken_again"):
        (folder / f"{name}.py").write_text(DAG.format(name="taken"))
    (folder / "imports_a_module.py").write_text(f"import shared.hosts\n{DAG.format(name='imports_a_module')}")
    (folder / "shared").mkdir()
    (folder / "shared" / "hosts.py").write_text(MODULE)
    return folder


@pytest.fixture(scope="module", params=ROWS)
def files(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What is said of each file by one row's Airflow."""
    python = AirflowPython(python=interpreter(request.param), dags=folder, home=tmp_path_factory.mktemp("airflow home"))
    return python.ask("dag_facts.py", "FACTS ", folder)


def test_each_effect_is_named_with_its_line(files: Any, folder: Path) -> None:
    """Where, what, and on what."""
    said = {name: files[f"{name}.py"]["effects"] for name in EFFECTS}

    expected = {}
    for name, (_, kind, what) in EFFECTS.items():
        line = len((folder / f"{name}.py").read_text().splitlines())
        place = f"{name}.py:{line}: "
        right = said[name] and said[name][0].startswith(f"{place}{kind}: ") and what in said[name][0]
        # an old Variable asks the database, too
        right = right and all(each.startswith(place) for each in said[name])
        expected[name] = said[name] if right else [f"{place}{kind}: …{what}…"]
    assert said == expected


def test_what_airflow_and_python_do_for_a_file_is_not_its_effect(files: Any) -> None:
    """Nor is what it reads in the DAG folder."""
    assert {name: (files[f"{name}.py"]["effects"], files[f"{name}.py"]["import_errors"]) for name in CLEAN} == {
        name: ([], {}) for name in CLEAN
    }


def test_an_effect_of_a_module_is_named_there(files: Any) -> None:
    """With the line of the module that the DAG file imports."""
    effects = files["imports_a_module.py"]["effects"]

    assert [each.partition(": open ")[0] for each in effects] == ["shared/hosts.py:4: reads outside of the DAG folder"]


def test_waiting_counts_as_time(files: Any) -> None:
    """Also where the processor has nothing to do."""
    assert 1.2 <= files["waits.py"]["seconds"] < 10


def test_a_cycle_is_an_import_error(files: Any) -> None:
    """Which names the DAG and the task."""
    error = "".join(files["cyclic.py"]["import_errors"].values())

    assert "cycle detected in dag: cyclic. faulty task: " in error.lower()
    assert files["cyclic.py"]["dags"] == {}


def test_an_id_that_another_file_has_is_an_import_error(files: Any) -> None:
    """Airflow would run now the one, now the other; both are named."""
    error = "".join(files["taken_again.py"]["import_errors"].values())

    assert files["taken.py"]["import_errors"] == {}
    assert "AirflowDagDuplicatedIdException" in error
    assert "taken_again.py" in error
    assert "taken.py" in error
