"""Run the Databricks job `medallion` whenever posts and users have both been published.

The job is told which snapshot the events announced. A dag_run that somebody triggers by hand passes nothing: the job
then takes the current snapshot.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.configuration import conf
from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator
from airflow.sdk import dag
from stack_exchange.airflow_names import TRIGGER_FAIL_REPR, AirflowException, AirflowFailException
from stack_exchange.assets import POSTS, USERS
from stack_exchange.events import from_events

JOB_NAME = "medallion"
DATABRICKS_CONNECTION = "databricks_conn"
DEFERRED_IN_TRY = "deferred_in_try"


class RunJobOperator(DatabricksRunNowOperator):
    """Retries what happens between Airflow and the workspace; a job_run that has failed is final.

    The job retries its own tasks, and a retry here would only find the same failed job_run again, by its idempotency
    token.
    """

    def execute(self, context: Any) -> None:
        """Called at the start of each try; remembers which one it is, for what comes after the deferral."""
        context["ti"].xcom_push(key=DEFERRED_IN_TRY, value=context["ti"].try_number)
        super().execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Called instead of `execute` when the trigger is done or has failed.

        Before 3.1.1, Airflow keeps a trigger's failure through the retries, and each of them would only fail with it
        again (apache/airflow#56704). The try that was deferred fails, so that the retries are counted and wait; a
        later one executes, and finds the same job_run by its idempotency token.
        """
        ti = context["ti"]
        if next_method == TRIGGER_FAIL_REPR and ti.xcom_pull(key=DEFERRED_IN_TRY) != ti.try_number:
            return self.execute(context)
        return super().resume_execution(next_method, next_kwargs, context)

    def execute_complete(self, context: Any, event: dict[str, Any] | None = None) -> None:
        """Called with the state of the job_run when it has ended."""
        try:
            super().execute_complete(context, event)
        except AirflowException as error:
            raise AirflowFailException(str(error)) from error


@dag(
    schedule=[POSTS, USERS],
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args={
        "owner": "data-platform",
        "retries": 5,
        "retry_delay": timedelta(seconds=10),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
    },
    user_defined_macros={"from_events": from_events},
    tags=["stack-exchange", "databricks"],
    doc_md=__doc__,
)
def trigger_databricks_workflow_dag() -> None:
    """One task: the job."""
    RunJobOperator(
        task_id="run_medallion",
        databricks_conn_id=DATABRICKS_CONNECTION,
        job_name=JOB_NAME,
        job_parameters={
            "snapshot": "{{ from_events(triggering_asset_events, 'posts', 'snapshot') }}",
            "posts_path": "{{ from_events(triggering_asset_events, 'posts', 'volume_path') }}",
            "users_path": "{{ from_events(triggering_asset_events, 'users', 'volume_path') }}",
        },
        # One job_run for a dag_run however often contact is lost; clearing the task raises max_tries, so it starts a
        # new one.
        idempotency_token="{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag_run.run_id ~ '/' ~ ti.max_tries) }}",
        deferrable=True,
        polling_period_seconds=conf.getint("data_platform", "databricks_polling_seconds", fallback=30),
        execution_timeout=timedelta(hours=11),
    )


trigger_databricks_workflow_dag()
