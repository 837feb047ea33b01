"""`sandbox run`: trigger a DAG and follow its whole chain."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import click

from sandbox import follow
from sandbox.archive import sample
from sandbox.cli.session import Session, common_options
from sandbox.cli.shown import table_rows
from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient
from sandbox.errors import ConfigurationError, TestsFailed
from sandbox.follow.chain import ChainState
from sandbox.follow.failure import explain
from sandbox.follow.render import changes, tree
from sandbox.follow.watch import until_finished
from sandbox.services.spec import ServiceContext


def clients(context: ServiceContext) -> tuple[AirflowClient, DatabricksClient]:
    """The clients of a running sandbox."""
    secrets = context.credentials
    return (
        AirflowClient(context.url("airflow"), user=secrets.airflow_user, password=secrets.airflow_password),
        DatabricksClient(context.url("databricks"), token=secrets.databricks_token),
    )


def watch(session: Session, chain: follow.Chain, limit_seconds: float) -> ChainState:
    """Follow the chain to its end, showing it as it changes; raises as `until_finished` does."""
    with session.terminal.live() as live:

        def show(before: ChainState | None, now: ChainState) -> None:
            if live is not None:
                live.update(tree(now))
            elif not session.terminal.quiet:
                for words in changes(before, now):
                    session.terminal.err.print(words, markup=False)

        return until_finished(chain, limit_seconds=limit_seconds, show=show, note=session.terminal.note)


def run_and_report(
    session: Session, dag_id: str, conf: dict[str, Any], *, logical_date: datetime | None = None
) -> dict[str, Any]:
    """Trigger `dag_id` (for now, without `logical_date`), follow the chain, print it; returns the JSON of the contract.

    Raises TestsFailed with the reasons when anything in the chain failed.
    """
    context = session.backend.context(session.paths)
    airflow, databricks = clients(context)
    begun = time.monotonic()
    follow.prepare(airflow, dag_id, context.dags)
    run_id = follow.trigger(airflow, dag_id, conf, logical_date=logical_date)
    try:
        state = watch(session, follow.Chain(airflow, databricks, dag_id, run_id), context.config.limits.run_seconds)
    except KeyboardInterrupt:
        session.terminal.note(
            f"stopped following; {dag_id} goes on: {airflow.base_url}/dags/{dag_id}/runs/{run_id} "
            "(`sandbox down` ends it)"
        )
        raise
    seconds = round(time.monotonic() - begun, 2)
    session.terminal.show(tree(state))
    result = {
        "schema": 1,
        "state": "success" if state.succeeded else "failed",
        "seconds": seconds,
        "dag_runs": list(state.dag_runs),
        "job_runs": list(state.job_runs),
        "assets": list(state.assets),
        "tables": table_rows(databricks, context, session.terminal.note) if state.succeeded else [],
    }
    session.terminal.result(result)
    if not state.succeeded:
        raise TestsFailed(
            f"the chain of {dag_id} failed after {seconds} s",
            why=explain(state, airflow, databricks),
            next_command="sandbox logs airflow    (or open the links above)",
        )
    _say_what_did_not_run(session, state)
    return result


def _say_what_did_not_run(session: Session, state: ChainState) -> None:
    skipped = [task["task_id"] for run in state.dag_runs for task in run["tasks"] if task["state"] == "skipped"]
    if skipped and not state.assets:
        session.terminal.note(
            f"{', '.join(skipped)} skipped, so no asset event was emitted and nothing else was triggered"
        )
    for words in state.waiting:
        session.terminal.note(words)


def parse_conf(text: str | None) -> dict[str, Any] | None:
    """--conf as a mapping; None when it was not given."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--conf is not JSON: {error}", next_command="""sandbox run --conf '{"force": true}'"""
        ) from None
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"--conf must be a JSON object, not {text}", next_command="""sandbox run --conf '{"force": true}'"""
        )
    return value


def parse_logical_date(text: str | None) -> datetime | None:
    """--logical-date as a moment, in UTC where it names no zone; None when it was not given."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--logical-date is no date: {error}", next_command="sandbox run --logical-date 2024-05-01T06:00"
        ) from None
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    if moment > datetime.now(UTC):
        raise ConfigurationError(
            f"--logical-date {text} lies in the future",
            why="Airflow would not start the dag_run before then",
            next_command="sandbox run    (now)",
        )
    return moment


@click.command("run")
@click.argument("dag", required=False)
@common_options
@click.option("--archive", metavar="FILE|URL", help="Run on this Stack Exchange dump (.7z).")
@click.option("--conf", metavar="JSON", help="The dag_run's conf, instead of run.conf of sandbox.toml.")
@click.option(
    "--logical-date", metavar="DATE", help="The dag_run's logical date, for example 2024-05-01; default: now."
)
def command(session: Session, dag: str | None, archive: str | None, conf: str | None, logical_date: str | None) -> None:
    """Trigger DAG (default: run.dag of sandbox.toml) and follow everything that it sets in motion."""
    settings = session.config.run
    dag_id = dag or settings.dag
    if dag_id is None:
        raise ConfigurationError("which DAG? run.dag of sandbox.toml is not set", next_command="sandbox run MY_DAG")
    given = parse_conf(conf)
    moment = parse_logical_date(logical_date)
    values = given if given is not None else (dict(settings.conf) if dag_id == settings.dag else {})
    session.backend.context(session.paths)  # not up is the first thing to say
    if archive is not None:
        site = sample.add(archive, session.paths.archives, session.terminal)
        values |= {
            key: value.replace("{site}", site) if isinstance(value, str) else value
            for key, value in settings.archive_conf.items()
        }
    run_and_report(session, dag_id, values, logical_date=moment)
