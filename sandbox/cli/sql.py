"""`sandbox sql`: query the tables."""

from __future__ import annotations

import click

from sandbox.cli.session import Session, common_options
from sandbox.clients.databricks import DatabricksClient
from sandbox.console import table
from sandbox.errors import ConfigurationError


@click.command("sql")
@click.argument("statement")
@common_options
def command(session: Session, statement: str) -> None:
    """Execute STATEMENT through the workspace's SQL API and print its rows."""
    if not statement.strip():
        raise ConfigurationError("the statement is empty", next_command='sandbox sql "show tables"')
    context = session.backend.context(session.paths)
    client = DatabricksClient(context.url("databricks"), token=context.credentials.databricks_token)
    settings = context.config.databricks
    answer = client.sql(statement, catalog=settings.catalog, schema=settings.schemas[0])
    session.terminal.result(answer)
    session.terminal.show(table(answer["columns"], answer["rows"]))
