"""`sandbox sql`: query the tables."""

from __future__ import annotations

import re

import click

from sandbox.cli.session import Session, common_options
from sandbox.clients.databricks import DatabricksClient
from sandbox.console import table
from sandbox.errors import ConfigurationError

OPTION = re.compile(r"--[\w-]*(=.*)?")
"""Also a mistyped one. What begins with `--` and is none, by a blank or a second line, is a comment in SQL."""


class _Statement(click.Command):
    """A statement may begin with a comment in SQL, which click takes for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such a statement behind `--`, where click reads nothing as an option."""
        if "--" not in args:
            statements = [text for text in args if text.startswith("--") and not OPTION.fullmatch(text)]
            if statements:
                args = [text for text in args if text not in statements] + ["--", *statements]
        return super().parse_args(ctx, args)


@click.command("sql", cls=_Statement)
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
