"""What the cells' tests share: one run of the pipeline, and the truth about its archive.

The sandbox comes from the plugin's fixtures; which Airflow, engine and backend it has is said by SANDBOX_* variables.
Its DAG folder is a copy of the project's with the DAGs of these tests beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.follow.chain import ChainState
from sandbox.paths import StatePaths
from sandbox.runtimes.build import ensure
from sandbox.runtimes.project_locks import locked
from sandbox.services.airflow_row import airflow_request
from sandbox.testing.handle import RunningSandbox
from tests.cell.dag_folder import copied
from tests.cell.interpreter import AirflowPython
from tests.truth import Truth, of_archive


@pytest.fixture(scope="session")
def sandbox_settings(sandbox_project: Path, sandbox_name: str) -> Iterator[Mapping[str, object]]:
    """The DAGs of the project and of these tests, in a folder that the workers of pytest-xdist share."""
    sources = (sandbox_project / "dags", Path(__file__).with_name("dags"))
    with copied(sources, StatePaths(project=sandbox_project, name=sandbox_name)) as folder:
        yield {"project.dags": str(folder.relative_to(sandbox_project))}


@pytest.fixture(scope="session")
def airflow_python(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AirflowPython:
    """The interpreter of the cell's Airflow, on whatever backend its services run."""
    config, project = sandbox.context.config, sandbox.context.paths.project
    (request,) = locked([airflow_request(config)], project / config.airflow.locks)
    built = ensure([request], progress=sandbox.progress)[request.name]
    return AirflowPython(
        python=built.python,
        dags=project / "dags",
        home=tmp_path_factory.mktemp("airflow home"),
    )


@pytest.fixture(scope="session")
def chain(sandbox: RunningSandbox) -> ChainState:
    """The pipeline from the archive to the gold tables, run once for all tests of the cell."""
    return sandbox.run()


@pytest.fixture(scope="session")
def truth(sandbox: RunningSandbox) -> Truth:
    """What the tables must hold, computed from the archive in plain Python."""
    site = sandbox.context.config.archive.sample.site
    return of_archive(sandbox.context.paths.archives / f"{site}.7z")
