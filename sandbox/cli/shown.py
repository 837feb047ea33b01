"""Results that several commands print in the same form."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sandbox.backends import SandboxStatus
from sandbox.cli.session import Session
from sandbox.clients.databricks import DatabricksClient
from sandbox.console import paste_able, table
from sandbox.errors import ConfigurationError, SandboxError, TestsFailed
from sandbox.paths import StatePaths, find_project
from sandbox.services.spec import ServiceContext


def show_status(session: Session, status: SandboxStatus) -> None:
    """The services as a table, or the JSON of the contract."""
    session.terminal.result(status.as_json())
    rows = [
        (
            service.title,
            "healthy" if service.healthy else "NOT HEALTHY",
            service.url,
            next(iter(service.where.values()), None) or "",
            service.detail,
        )
        for service in status.services
    ]
    session.terminal.show(table(("service", "state", "address", "pid", "detail"), rows))


def cluster_tool(program: str, arguments: Sequence[str]) -> SandboxError:
    """The error for `sandbox kubectl …`: it is no command, and the line that does what was meant."""
    from sandbox.backends import kind_tools, marker, tools_of

    paths = StatePaths(project=find_project(Path.cwd()), name=os.environ.get("SANDBOX_NAME", "default"))
    name = marker.read(paths)
    tools = tools_of(name, paths)
    if tools is None:
        return ConfigurationError(
            f"{program} is no command of sandbox, and sandbox {paths.name} on the {name} backend has no cluster",
            next_command="sandbox up --backend kind",
        )
    return ConfigurationError(
        f"{program} is no command of sandbox: it is run as it is, aimed at the sandbox's cluster",
        next_command=kind_tools.line(tools, program, arguments),
    )


def show_login(session: Session, context: ServiceContext) -> None:
    """How to log in to Airflow, without printing the password."""
    session.terminal.say(
        f"Airflow's login: {context.credentials.airflow_user}, password in {context.paths.credentials_file} "
        f"({paste_able('sandbox env --password', name=context.paths.name)} prints it)"
    )


def table_rows(
    client: DatabricksClient, context: ServiceContext, note: Callable[[str], None]
) -> list[dict[str, object]]:
    """Every table and view of the catalog's schemas with its number of rows; None for one that cannot be read.

    `note` is told which one that is, and why.
    """
    found: list[dict[str, object]] = []
    settings = context.config.databricks
    for schema in settings.schemas:
        scope = {"catalog": settings.catalog, "schema": schema}
        listed = client.sql(f"SHOW TABLES IN {settings.catalog}.{schema}", **scope)
        column = listed["columns"].index("tableName")
        names = sorted(row[column] for row in listed["rows"])
        if not names:
            continue
        counts = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS counted FROM {settings.catalog}.{schema}.`{name}`" for name in names
        )
        try:
            counted = dict(client.sql(counts, **scope)["rows"])
        except TestsFailed:
            # one statement for all is quicker; the engine does not say of which table it complains
            counted = {name: _rows(client, name, scope, note) for name in names}
        found += [{"name": f"{settings.catalog}.{schema}.{name}", "rows": counted[name]} for name in names]
    return found


def _rows(client: DatabricksClient, name: str, scope: dict[str, str], note: Callable[[str], None]) -> int | None:
    """The number of rows; None where the files are gone, or what a view reads: no fault of a run that has succeeded."""
    table = f"{scope['catalog']}.{scope['schema']}.{name}"
    try:
        statement = f"SELECT count(*) FROM {scope['catalog']}.{scope['schema']}.`{name}`"
        return int(client.sql(statement, **scope)["rows"][0][0])
    except TestsFailed as failed:
        reason = next(iter(failed.why.strip().splitlines()), failed.what)
        note(f"{table} is not counted: {reason}")
        return None
