"""What the cells' tests share: one run of the pipeline, and the truth about its archive.

The sandbox comes from the plugin's fixtures; which Airflow, engine and backend it has is said by SANDBOX_* variables.
"""

from __future__ import annotations

import pytest

from sandbox.follow.chain import ChainState
from sandbox.testing.handle import RunningSandbox
from tests.truth import Truth, of_archive


@pytest.fixture(scope="session")
def chain(sandbox: RunningSandbox) -> ChainState:
    """The pipeline from the archive to the gold tables, run once for all tests of the cell."""
    return sandbox.run()


@pytest.fixture(scope="session")
def truth(sandbox: RunningSandbox) -> Truth:
    """What the tables must hold, computed from the archive in plain Python."""
    site = sandbox.context.config.archive.sample.site
    return of_archive(sandbox.context.paths.archives / f"{site}.7z")
