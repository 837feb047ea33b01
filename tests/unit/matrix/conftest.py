"""A small matrix that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.matrix.model import Matrix, load

TEXT = """
schema = 1

[groups]
pr = "before a merge"
nightly = "every night"

[policy.release]
groups = ["nightly"]

[[cell]]
id = "airflow3.0.2-py3.11-process-sail-dbx7.6.0"
purpose = "production"
groups = ["pr", "nightly"]

[[cell]]
id = "airflow3.1.8-py3.12-process-sail-dbx7.9.0"
purpose = "the next one"
groups = ["nightly"]
limit_seconds = 60

[[cell]]
id = "airflow3.0.2-py3.11-kind-sail-dbx7.6.0"
purpose = "production's shape"
tests = ["tests/kind"]

[[unsupported]]
airflow = "3.0.*"
python = "3.13"
reason = "3.0 does not know 3.13"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The matrix's file."""
    path = tmp_path / "matrix.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def matrix(file: Path) -> Matrix:
    """The matrix."""
    return load(file)
