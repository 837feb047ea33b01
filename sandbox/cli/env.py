"""`sandbox env`: the variables that aim other tools at the sandbox."""

from __future__ import annotations

import shlex

import click

from sandbox.cli.session import Session, common_options
from sandbox.clients.airflow import create_token
from sandbox.services.databricks import WAREHOUSE
from sandbox.services.spark import engine_address
from sandbox.services.spec import ServiceContext


def variables(context: ServiceContext) -> dict[str, str]:
    """Addresses and credentials as boto3, the aws and databricks CLIs, the SDKs, dbt and terraform read them."""
    secrets = context.credentials
    aws = context.aws_environment
    del aws["AWS_REGION"]
    return aws | {
        "DATABRICKS_HOST": context.url("databricks"),
        "DATABRICKS_TOKEN": secrets.databricks_token,
        **WAREHOUSE,
        "AIRFLOW_API_URL": f"{context.url('airflow')}/api/v2",
        "AIRFLOW_API_TOKEN": create_token(
            context.url("airflow"), user=secrets.airflow_user, password=secrets.airflow_password
        ),
        "SPARK_REMOTE": engine_address(context),
        "ARCHIVE_URL": context.url("archive"),
    }


@click.command("env")
@common_options
@click.option("--export", is_flag=True, help='Print `export` lines, for: eval "$(sandbox env --export)".')
@click.option("--password", is_flag=True, help="Print nothing but the password of Airflow's login.")
def command(session: Session, export: bool, password: bool) -> None:
    """Print the variables that make boto3, the CLIs and the SDKs work against the sandbox."""
    context = session.backend.context(session.paths)
    if password:
        session.terminal.result({"password": context.credentials.airflow_password})
        session.terminal.say(context.credentials.airflow_password)
        return
    values = variables(context)
    session.terminal.result(values)
    for name, value in values.items():
        session.terminal.say(f"{'export ' if export else ''}{name}={shlex.quote(value)}")
