"""The pytest plugin: fixtures that start a sandbox of one's own project and speak to its services.

pytest loads it by itself where this package is installed (`-p no:sandbox` turns it off). It is imported by every pytest
run there, so everything heavy is imported by the fixtures that need it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.clients.airflow import AirflowClient
    from sandbox.clients.databricks import DatabricksClient
    from sandbox.testing.handle import RunningSandbox, SparkTables

_RUNNING: pytest.StashKey[RunningSandbox] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("sandbox", "a sandbox for the tests")
    group.addoption(
        "--sandbox-name",
        metavar="NAME",
        default=os.environ.get("SANDBOX_NAME"),
        help="Use this sandbox; one that is up is left as it is. Default: SANDBOX_NAME, else one of the run's own.",
    )
    group.addoption("--sandbox-keep", action="store_true", help="Leave the sandbox running after the tests.")


@pytest.fixture(scope="session")
def sandbox_project(request: pytest.FixtureRequest) -> Path:
    """The project: the nearest folder with a sandbox.toml, from pytest's rootdir upwards. Made to be overridden."""
    from sandbox.paths import find_project

    return find_project(request.config.rootpath)


@pytest.fixture(scope="session")
def sandbox_settings() -> Mapping[str, object]:
    """Settings that the tests want otherwise, by dotted name; they win over sandbox.toml. Made to be overridden."""
    return {}


@pytest.fixture(scope="session")
def sandbox_name(request: pytest.FixtureRequest) -> str:
    """The sandbox's name; the workers of pytest-xdist share one. Made to be overridden."""
    from sandbox.testing.tenancy import DISPOSABLE_PREFIX

    given = request.config.getoption("--sandbox-name")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    return str(given or f"{DISPOSABLE_PREFIX}{run[:8]}")


@pytest.fixture(scope="session")
def sandbox(
    request: pytest.FixtureRequest,
    sandbox_project: Path,
    sandbox_settings: Mapping[str, object],
    sandbox_name: str,
) -> Iterator[RunningSandbox]:
    """A sandbox that is up, taken down after the tests; fails with the sandbox's own message when it cannot start."""
    from sandbox.cli.env import variables
    from sandbox.clients.airflow import AirflowClient
    from sandbox.clients.databricks import DatabricksClient
    from sandbox.config import load
    from sandbox.console import Terminal, paste_able
    from sandbox.errors import SandboxError
    from sandbox.paths import StatePaths
    from sandbox.testing import reaper
    from sandbox.testing.handle import RunningSandbox
    from sandbox.testing.tenancy import lent

    paths = StatePaths(project=sandbox_project, name=sandbox_name)
    terminal = Terminal(name=sandbox_name)
    session = request.session
    try:
        with lent(
            load(sandbox_project, os.environ, sandbox_settings),
            paths,
            terminal,
            failed=lambda: session.testsfailed > 0,
            keep=request.config.getoption("--sandbox-keep"),
            watch=reaper.start,
        ) as context:
            secrets = context.credentials
            running = RunningSandbox(
                context=context,
                airflow=AirflowClient(
                    context.url("airflow"), user=secrets.airflow_user, password=secrets.airflow_password
                ),
                databricks=DatabricksClient(context.url("databricks"), token=secrets.databricks_token),
                environment=variables(context),
                progress=terminal,
            )
            session.stash[_RUNNING] = running
            yield running
    except SandboxError as error:
        pytest.fail(paste_able(str(error), name=sandbox_name), pytrace=False)


@pytest.fixture(scope="session")
def airflow_client(sandbox: RunningSandbox) -> AirflowClient:
    """A client of the sandbox's Airflow."""
    return sandbox.airflow


@pytest.fixture(scope="session")
def databricks(sandbox: RunningSandbox) -> DatabricksClient:
    """A client of the sandbox's workspace."""
    return sandbox.databricks


@pytest.fixture(scope="session")
def spark_tables(sandbox: RunningSandbox) -> SparkTables:
    """The sandbox's tables: `spark_tables["name"]` has the rows as dicts, `.sql(…)` those of a statement."""
    return sandbox.tables


@pytest.fixture(scope="session")
def s3(sandbox: RunningSandbox) -> Iterator[Any]:
    """A boto3 client of the sandbox's S3."""
    import boto3

    credentials = sandbox.context.credentials
    client = boto3.client(
        "s3",
        endpoint_url=sandbox.url("s3"),
        aws_access_key_id=credentials.aws_access_key_id,
        aws_secret_access_key=credentials.aws_secret_access_key,
        region_name=sandbox.context.config.s3.region,
    )
    yield client
    client.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say below a test that failed where the sandbox's logs are."""
    report = yield
    running = item.session.stash.get(_RUNNING, None)
    if running is not None and report.failed and "sandbox" in getattr(item, "fixturenames", ()):
        report.sections.append(("sandbox", _whereabouts(running)))
    return report


def _whereabouts(running: RunningSandbox) -> str:
    from sandbox.console import paste_able

    paths = running.context.paths
    return "\n".join(
        (
            f"sandbox {running.name} of {paths.project}",
            f"logs: {paths.logs}   (kept until the next test run)",
            paste_able("sandbox logs airflow", name=running.name),
        )
    )
