"""`sandbox quickstart`: what `make sandbox` does after the set-up."""

from __future__ import annotations

import click

from sandbox import lifecycle
from sandbox.cli.run import run_and_report
from sandbox.cli.session import Session, backend_option, common_options
from sandbox.cli.shown import show_login, show_status
from sandbox.clients.databricks import DatabricksClient
from sandbox.console import table
from sandbox.errors import ConfigurationError
from sandbox.services.spec import ServiceContext


def _show(session: Session, context: ServiceContext) -> None:
    client = DatabricksClient(context.url("databricks"), token=context.credentials.databricks_token)
    settings = context.config.databricks
    for title, statement in context.config.run.show.items():
        answer = client.sql(statement, catalog=settings.catalog, schema=settings.schemas[0])
        session.terminal.say()
        session.terminal.say(title)
        session.terminal.show(table(answer["columns"], answer["rows"]))


@click.command("quickstart")
@common_options
@backend_option
def command(session: Session) -> None:
    """Start the sandbox, run the sample pipeline once, print the gold tables; leave it running."""
    settings = session.config.run
    if settings.dag is None:
        raise ConfigurationError("which DAG? run.dag of sandbox.toml is not set", next_command="sandbox up")
    status = lifecycle.up(session.loaded, session.paths, session.terminal, keep=False)
    result = run_and_report(session, settings.dag, dict(settings.conf))
    context = session.backend.context(session.paths)
    session.terminal.say()
    rows = [(item["name"], "not readable" if item["rows"] is None else item["rows"]) for item in result["tables"]]
    session.terminal.show(table(("table", "rows"), rows))
    if not session.terminal.as_json:
        _show(session, context)
    if not session.terminal.as_json:
        session.terminal.say()
        show_status(session, status)
    session.terminal.say()
    show_login(session, context)
    session.terminal.hint(
        "sandbox run    (after you have edited a DAG or a notebook)", 'sandbox sql "show tables"', "sandbox down"
    )
