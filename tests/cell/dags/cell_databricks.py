"""The databricks provider's operators and sensors against the workspace, waiting and deferrable, a task for each.

Those that newer versions of the provider have brought are there where the installed one has them.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.databricks.hooks.databricks import DatabricksHook
from airflow.providers.databricks.hooks.databricks_sql import LIST_SQL_ENDPOINTS_ENDPOINT, DatabricksSqlHook
from airflow.providers.databricks.operators import databricks as operators
from airflow.providers.databricks.operators.databricks_repos import (
    DatabricksReposCreateOperator,
    DatabricksReposDeleteOperator,
    DatabricksReposUpdateOperator,
)
from airflow.providers.databricks.operators.databricks_sql import DatabricksSqlOperator
from airflow.providers.databricks.operators.databricks_workflow import DatabricksWorkflowTaskGroup
from airflow.providers.databricks.sensors.databricks import DatabricksSQLStatementsSensor
from airflow.providers.databricks.sensors.databricks_partition import DatabricksPartitionSensor
from airflow.providers.databricks.sensors.databricks_sql import DatabricksSqlSensor
from airflow.sdk import dag, task

try:
    from airflow.providers.databricks.operators import warehouse
except ImportError:  # before 7.23
    warehouse = None

CONNECTION = "databricks_conn"
CONNECTED: dict[str, Any] = {"databricks_conn_id": CONNECTION}
COMMON: dict[str, Any] = {**CONNECTED, "polling_period_seconds": 1}
NOTEBOOK = {"notebook_path": "/Shared/cell/echo"}
JOB = "cell contract"
CLUSTER = {"spark_version": "15.4.x-scala2.12", "node_type_id": "m6gd.large", "num_workers": 1}
STATEMENT: dict[str, Any] = {"statement": "SELECT 1 AS one", "warehouse_id": "any", "catalog": None, "schema": None}
REPOSITORY = Path(os.environ["AIRFLOW_HOME"]) / "cell-repository"
WAREHOUSE = {"http_path": "/sql/1.0/warehouses/0123456789abcdef"}
# provider 7.6.0 looks names up at /api/api/2.0/sql/endpoints, which there is nowhere
BY_NAME = {"sql_endpoint_name": "sandbox"} if "api/" not in LIST_SQL_ENDPOINTS_ENDPOINT[1] else WAREHOUSE
WAYS = {"waiting": False, "deferrable": True}


@task
def ask_the_hook(job_id: Any) -> dict[str, Any]:
    """What the hook says of the connection and of the job."""
    hook = DatabricksHook(CONNECTION)
    return {
        "connected": hook.test_connection()[0],
        "by_name": hook.find_job_id_by_name(JOB) == int(job_id),
        "listed": JOB in [job["settings"]["name"] for job in hook.list_jobs()],
        "unknown": hook.find_job_id_by_name("no such job") is None,
    }


def jobs() -> None:
    """A job that is created and run; runs that are submitted."""
    created = operators.DatabricksCreateJobsOperator(
        task_id="create_job",
        name=JOB,
        tasks=[{"task_key": "echo", "notebook_task": NOTEBOOK, "new_cluster": CLUSTER}],
        **CONNECTED,
    )
    # a second time: the job of that name is changed, not made again; three runs of it may be at work at once below
    again = operators.DatabricksCreateJobsOperator(
        task_id="change_job",
        json={"name": JOB, "max_concurrent_runs": 3, "tasks": [{"task_key": "echo", "notebook_task": NOTEBOOK}]},
        **CONNECTED,
    )
    created >> again >> ask_the_hook(created.output)
    for way, deferrable in WAYS.items():
        again >> operators.DatabricksRunNowOperator(
            task_id=f"run_now_by_name_{way}",
            job_name=JOB,
            notebook_params={"word": "now"},
            deferrable=deferrable,
            **COMMON,
        )
        operators.DatabricksSubmitRunOperator(
            task_id=f"submit_{way}",
            tasks=[
                {"task_key": "first", "notebook_task": NOTEBOOK, "new_cluster": CLUSTER},
                {"task_key": "second", "notebook_task": NOTEBOOK, "depends_on": [{"task_key": "first"}]},
            ],
            deferrable=deferrable,
            **COMMON,
        )
    again >> operators.DatabricksRunNowOperator(
        task_id="run_now_by_id", job_id="{{ ti.xcom_pull('create_job') }}", wait_for_termination=False, **COMMON
    )
    operators.DatabricksSubmitRunOperator(
        task_id="submit_one_notebook", notebook_task=NOTEBOOK, new_cluster=CLUSTER, run_name="one", **COMMON
    )


def tasks() -> None:
    """Notebooks and tasks as Airflow tasks of their own, and as a workflow that is one job_run."""
    for way, deferrable in WAYS.items():
        operators.DatabricksNotebookOperator(
            task_id=f"notebook_{way}",
            source="WORKSPACE",
            new_cluster=CLUSTER,
            deferrable=deferrable,
            **NOTEBOOK,
            **COMMON,
        )
        operators.DatabricksTaskOperator(
            task_id=f"task_{way}",
            task_config={"notebook_task": {**NOTEBOOK, "source": "WORKSPACE"}},
            existing_cluster_id="any",
            deferrable=deferrable,
            **COMMON,
        )
    with DatabricksWorkflowTaskGroup(
        group_id="workflow",
        databricks_conn_id=CONNECTION,
        job_clusters=[{"job_cluster_key": "small", "new_cluster": CLUSTER}],
        notebook_params={"word": "together"},
    ):
        first, second = (
            operators.DatabricksNotebookOperator(
                task_id=name, source="WORKSPACE", job_cluster_key="small", **NOTEBOOK, **COMMON
            )
            for name in ("first", "second")
        )
        first >> second


def statements() -> None:
    """SQL statements, executed and waited for; a warehouse, started and stopped."""
    for way, deferrable in WAYS.items():
        operators.DatabricksSQLStatementsOperator(
            task_id=f"statement_{way}", deferrable=deferrable, **STATEMENT, **COMMON
        )
        DatabricksSQLStatementsSensor(task_id=f"statement_sensor_{way}", deferrable=deferrable, **STATEMENT, **COMMON)
        if warehouse is not None:
            warehouse.DatabricksStartWarehouseOperator(
                task_id=f"start_warehouse_{way}", warehouse_id="any", deferrable=deferrable, **COMMON
            )
    if warehouse is not None:
        # the sandbox's warehouse always runs, so nobody can wait for its end
        warehouse.DatabricksStopWarehouseOperator(
            task_id="stop_warehouse", warehouse_id="any", wait_for_termination=False, **COMMON
        )


@task
def ask_the_sql_hook() -> dict[str, Any]:
    """What the SQL hook gets: typed values, sessions that last from statement to statement, errors."""
    hook = DatabricksSqlHook(CONNECTION)
    values = "SELECT 1, 'one', DATE'2024-01-01', CAST(1.5 AS DECIMAL(4, 2)), NULL, true"
    in_session = ["CREATE TEMPORARY VIEW cell_seven AS SELECT 7 AS n", "SELECT current_schema(), n FROM cell_seven"]
    return {
        "connected": hook.test_connection()[0],
        "first": [repr(value) for value in hook.get_first(values)],
        "session": [str(value) for value in hook.run(in_session, handler=lambda cursor: cursor.fetchall())[-1][0]],
        "error": refusal(hook, "SELECT * FROM no_such_table"),
        "copy": refusal(hook, "COPY INTO some_table FROM '/Volumes/a/b/c' FILEFORMAT = CSV"),
    }


def refusal(hook: DatabricksSqlHook, statement: str) -> str:
    """How a statement fails."""
    try:
        hook.run(statement)
    except Exception as error:
        return str(error)
    return ""


def sql() -> None:
    """SQL through the warehouse's own protocol: with the connection's warehouse, one by name, and one by path."""
    table = {"catalog": "projects", "schema": "default"}
    made = DatabricksSqlOperator(
        task_id="sql_operator",
        sql=[
            "CREATE OR REPLACE TABLE cell_events (n INT, day DATE) USING DELTA PARTITIONED BY (day)",
            "INSERT INTO cell_events VALUES (1, DATE'2024-01-01'), (2, DATE'2024-01-02')",
        ],
        **table,
        **CONNECTED,
    )
    rows = "SELECT n FROM cell_events WHERE n > %(least)s"
    made >> [
        DatabricksSqlOperator(
            task_id="sql_operator_by_name", sql=rows, parameters={"least": 1}, **BY_NAME, **CONNECTED
        ),
        DatabricksSqlOperator(
            task_id="sql_operator_by_path",
            sql="SELECT n FROM cell_events WHERE n > :least; SELECT 1",
            split_statements=True,
            parameters={"least": 1},
            **WAREHOUSE,
            **table,
            **CONNECTED,
        ),
        DatabricksSqlSensor(
            task_id="sql_sensor",
            sql="SELECT n FROM cell_events WHERE n = 2",
            catalog="projects",
            **WAREHOUSE,
            **CONNECTED,
        ),
        DatabricksPartitionSensor(
            task_id="partition_sensor", table_name="cell_events", partitions={"day": "2024-01-02"}, **table, **CONNECTED
        ),
    ]
    ask_the_sql_hook()


def repositories() -> None:
    """A repository that is cloned, run from, moved to a tag, and removed."""
    place = {"repo_path": "/Repos/cell/cloned", **CONNECTED}
    cloned = DatabricksReposCreateOperator(
        task_id="repos_create",
        git_url=REPOSITORY.as_uri(),
        git_provider="gitHub",
        ignore_existing_repo=True,
        branch="main",
        **place,
    )
    run = operators.DatabricksSubmitRunOperator(
        task_id="repos_run", notebook_task={"notebook_path": "/Repos/cell/cloned/notebooks/echo"}, **COMMON
    )
    moved = DatabricksReposUpdateOperator(task_id="repos_update", tag="v1", **place)
    removed = DatabricksReposDeleteOperator(task_id="repos_delete", **place)
    cloned >> run >> moved >> removed


# Retries, because Airflow's scheduler fails a deferred task whose trigger fires before it has noticed that the task was
# deferred; a busy machine is enough for that.
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=1)}


OPTIONS: dict[str, Any] = {
    "schedule": None,
    "catchup": False,
    "default_args": {"owner": "cell", **RETRIES},
    "tags": ["cell"],
}


@dag(**OPTIONS)
def cell_databricks() -> None:
    """Everything at once, but for what needs a Git repository that the workspace can reach."""
    jobs()
    tasks()
    statements()
    sql()


@dag(**OPTIONS)
def cell_databricks_repos() -> None:
    """Git folders, from a repository that the test has made."""
    repositories()


cell_databricks()
cell_databricks_repos()
