"""What a task_run left behind: get-output and export."""

from __future__ import annotations

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import invalid_parameter
from sandbox.databricks_stub.executed import failed_cell
from sandbox.databricks_stub.handlers.runs import find, single_task_json
from sandbox.databricks_stub.model import JobRun, TaskRun
from sandbox.databricks_stub.pages.notebook import render_notebook
from sandbox.databricks_stub.schemas import Json

# Documented: https://docs.databricks.com/api/workspace/jobs/getrunoutput - the first 5 MB of the value.
MAX_RESULT_BYTES = 5 * 1024 * 1024


def get_output(call: Call) -> Json:
    """The exit value of a notebook, or its error and traceback.

    `sandbox` is no field of Databricks: the failing notebook_cell and the executed notebook's file, for our own CLI.
    """
    run, task = _one_task(call)
    outcome = task.outcome
    answer: Json = {"metadata": single_task_json(call, run, task)}
    if outcome.error is not None:
        answer["error"] = outcome.error
        if outcome.error_trace is not None:
            answer["error_trace"] = outcome.error_trace
    if outcome.exit_value is not None:
        result = outcome.exit_value.encode()[:MAX_RESULT_BYTES].decode(errors="ignore")
        answer["notebook_output"] = {"result": result, "truncated": result != outcome.exit_value}
    elif outcome.error is None:
        answer["notebook_output"] = {}
    if outcome.executed_notebook is not None:
        answer["sandbox"] = {
            "executed_notebook": outcome.executed_notebook,
            "failed_notebook_cell": failed_cell(outcome.executed_notebook, outcome.failed_notebook_cell),
        }
    return answer


def export(call: Call) -> Json:
    """The executed notebook as a page."""
    run, task = _one_task(call)
    if task.outcome.executed_notebook is None:
        raise invalid_parameter(f"Run {task.run_id} has no executed notebook to export.")
    page = render_notebook(run, task, task.outcome.executed_notebook)
    return {"views": [{"name": task.task_key, "type": "NOTEBOOK", "content": page}]}


def _one_task(call: Call) -> tuple[JobRun, TaskRun]:
    run, task = find(call)
    if task is None:
        tasks = call.services.workspace.runs.tasks(run.run_id)
        if len(tasks) != 1:
            # Documented: the very words of Databricks.
            raise invalid_parameter(
                "Retrieving the output of runs with multiple tasks is not supported. "
                "Please retrieve the output of each individual task run instead."
            )
        task = tasks[0]
    return run, task
