"""Why a chain failed: the reason first, then the log that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest

from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient
from sandbox.clients.http import ApiAnswer
from sandbox.follow import failure
from sandbox.follow.chain import ChainState
from sandbox.follow.failure import explain


@dataclass
class FakeApi:
    """Answers each request with the next log, or raises it; the last one answers all that come after it."""

    answers: list[list[Any] | ApiAnswer]

    def request(self, *_: Any, **__: Any) -> dict[str, Any]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ApiAnswer):
            raise answer
        return {"content": answer}


def airflow_with(*content: Any) -> AirflowClient:
    return airflow_that_answers(list(content))


def airflow_that_answers(*answers: list[Any] | ApiAnswer) -> AirflowClient:
    client = AirflowClient.__new__(AirflowClient)
    client.base_url = "http://airflow"
    client._api = cast("Any", FakeApi(list(answers)))
    return client


def frame(filename: str) -> dict[str, Any]:
    return {"filename": filename, "lineno": 7, "name": "run"}


FAILED = ChainState(
    dag_runs=(
        {
            "dag_id": "produce",
            "run_id": "r",
            "state": "failed",
            "url": "http://airflow/r",
            "tasks": [{"task_id": "ingest", "state": "failed", "try_number": 1, "map_index": -1}],
        },
    ),
    job_runs=(),
    assets=(),
    waiting=(),
    finished=True,
)


def test_the_reason_stands_before_the_log() -> None:
    """Airflow's own frames and the marks that fold its log say nothing about the task."""
    frames = [frame("/venv/lib/site-packages/airflow/sdk/task_runner.py"), frame("/project/dags/produce.py")]
    error = {"exc_type": "AirflowFailException", "exc_value": "the archive is truncated", "frames": frames}
    airflow = airflow_with(
        {"event": "::group::Log message source details"},
        {"event": "downloaded 3000 bytes"},
        {"event": "Task failed with exception", "error_detail": [error]},
    )

    lines = explain(FAILED, airflow, cast("DatabricksClient", None)).splitlines()

    assert lines == [
        "task produce.ingest failed (try 1):",
        "  AirflowFailException: the archive is truncated",
        "  the end of its log:",
        "    downloaded 3000 bytes",
        "    Task failed with exception",
        '      File "/project/dags/produce.py", line 7, in run',
        "    AirflowFailException: the archive is truncated",
    ]


def test_a_failure_in_airflow_itself_keeps_its_frames() -> None:
    """Where there are no others, they are all there is."""
    frames = [frame("/venv/lib/site-packages/airflow/sdk/task_runner.py")]
    airflow = airflow_with(
        {"event": "it failed", "error_detail": [{"exc_type": "KeyError", "exc_value": "'x'", "frames": frames}]}
    )

    assert "task_runner.py" in explain(FAILED, airflow, cast("DatabricksClient", None))


def test_a_log_of_plain_text_has_no_reason_of_its_own() -> None:
    """Then the end of the log is the answer."""
    lines = explain(FAILED, airflow_with("one\ntwo"), cast("DatabricksClient", None)).splitlines()

    assert lines == ["task produce.ingest failed (try 1):", "  the end of its log:", "    one", "    two"]


# Measured 2026-11-30, Airflow 3.3.2: the log of a process that was killed at its start
SOURCES_ONLY = [
    {"event": "::group::Log message source details"},
    {"event": "/logs/dag_id=produce/attempt=1.log"},
    {"event": "::endgroup::"},
]
GONE = ApiAnswer("airflow", "GET", "http://airflow/logs/1", httpx.Response(500, text="Internal Server Error"))


@pytest.mark.parametrize("before", [[], SOURCES_ONLY, GONE])
def test_a_log_that_comes_after_the_state_is_waited_for(before: list[Any] | ApiAnswer) -> None:
    """A worker pod tells the task's state first, and sends the log then."""
    airflow = airflow_that_answers(before, before, [{"event": "downloaded 3000 bytes"}])

    assert "downloaded 3000 bytes" in explain(FAILED, airflow, cast("DatabricksClient", None))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([], "it is empty: its process ended before it wrote anything"),
        (SOURCES_ONLY, "it is empty: its process ended before it wrote anything"),
        (GONE, "airflow answered 500 to GET http://airflow/logs/1"),
    ],
)
def test_a_log_that_never_comes_hides_nothing_else(
    answer: list[Any] | ApiAnswer, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed is said, and why there is no log of it."""
    monkeypatch.setattr(failure, "LOG_SECONDS", 0.1)

    lines = explain(FAILED, airflow_that_answers(answer), cast("DatabricksClient", None)).splitlines()

    assert lines == ["task produce.ingest failed (try 1):", f"  its log cannot be read: {why}"]


TRACE = """\
/project/notebooks/load.py:11 (notebook_cell 3)
----------------------------------------
AnalysisException        Traceback (most recent call last)
Cell In[3], line 2
----> 2 load()

File /project/notebooks/helpers.py:5, in load()
----> 5 spark.table("none").collect()

File /venv/lib/python3.11/site-packages/pyspark/sql/connect/dataframe.py:1780, in DataFrame.collect(self)
   1779 LINES
-> 1780 table, schema = self._to_table()

File /project/.sandbox/default/pythonpath/sandbox/databricks_stub/kernel/bridging.py:9, in f()
----> 9 g()

File /usr/lib/python3.11/contextlib.py:81, in inner(*args, **kwds)
---> 81 return func(*args, **kwds)

AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] none"""


def test_the_frames_of_libraries_do_not_hide_the_notebooks_line() -> None:
    """Only the end of a traceback is shown, and Spark's part of it is long."""

    class Workspace:
        def run_output(self, run_id: int) -> dict[str, Any]:
            return {"error_trace": TRACE.replace("LINES", "\n".join(["   code"] * 50))}

        def failed_notebook_cell(self, output: dict[str, Any]) -> None:
            return None

    task = {"task_key": "load", "run_id": 1, "state": "FAILED", "url": "http://page"}
    job_run = {"job": "j", "state": "FAILED", "state_message": "", "tasks": [task], "triggered_by": {}}
    state = ChainState(dag_runs=(), job_runs=(job_run,), assets=(), waiting=(), finished=True)

    told = explain(state, airflow_with("x"), cast("DatabricksClient", Workspace()))

    assert "Cell In[3], line 2" in told
    assert 'spark.table("none").collect()' in told
    assert told.endswith("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] none")
    assert not any(word in told for word in ("pyspark", "bridging", "contextlib"))
