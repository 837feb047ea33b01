"""matrix.toml: what is read from it, and how its mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError
from sandbox.matrix.model import Matrix, load
from tests.driver import REPOSITORY


def test_a_cell_is_its_id(matrix: Matrix) -> None:
    """The axes are read from the id, the rest comes from the cell or from the defaults."""
    first, second, third = matrix.cells

    assert first.axes == {
        "airflow": "3.0.2",
        "python": "3.11",
        "backend": "process",
        "engine": "sail",
        "databricks": "7.6.0",
    }
    assert [matrix.limit_seconds(cell) for cell in matrix.cells] == [900, 60, 900]
    assert matrix.tests(second) == ("tests/cell",)
    assert matrix.tests(third) == ("tests/kind",)
    assert third.expected_memory_mib > first.expected_memory_mib
    assert third.places > first.places


def test_production_is_the_first_row_on_every_backend(matrix: Matrix) -> None:
    """Cells that differ from the first one by the backend alone."""
    assert [cell.backend for cell in matrix.production()] == ["process", "kind"]


def test_a_policy_asks_for_its_groups(matrix: Matrix) -> None:
    """In the order of the matrix."""
    assert [cell.airflow for cell in matrix.required(matrix.policies["release"])] == ["3.0.2", "3.1.8"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("limit_seconds = 60", "limit_secs = 60", "matrix.toml:20: cell.limit_secs: unknown key"),
        ("limit_seconds = 60", "limit_seconds = -1", "matrix.toml:20: cell.limit_seconds: Input should be greater"),
        ("kind-sail", "kind", 'matrix.toml:23: cell.id: "airflow3.0.2-py3.11-kind-dbx7.6.0" is no cell id'),
        ('groups = ["pr", "nightly"]', 'groups = ["prs"]', "matrix.toml:12: airflow3.0.2-py3.11-process-sail-dbx7.6.0"),
        ('groups = ["pr", "nightly"]', 'groups = ["prs"]', "there is no group prs; did you mean pr?"),
        ("py3.12-process", "py3.11-process", ""),
        ("3.1.8-py3.12", "3.0.2-py3.13", "is not supported: 3.0 does not know 3.13"),
        ("3.1.8-py3.12-process-sail-dbx7.9.0", "3.0.2-py3.11-process-sail-dbx7.6.0", "stands there 2 times"),
        ("schema = 1", "schema = 2", "matrix.toml:2: schema: Input should be 1"),
        ('[policy.release]\ngroups = ["nightly"]', "[policy.release]", "policy.release asks for no cell"),
    ],
)
def test_a_mistake_is_named_with_its_line(file: Path, old: str, new: str, complaint: str) -> None:
    """The file's name, the line, what is wrong; a change that is none goes through."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    if not complaint:
        assert len(load(file).cells) == 3
        return

    with pytest.raises(ConfigurationError) as refused:
        load(file)

    assert complaint in refused.value.why


def test_all_mistakes_at_once(file: Path) -> None:
    """One report for the whole file."""
    file.write_text(file.read_text().replace("purpose", "purposes"))

    with pytest.raises(ConfigurationError) as refused:
        load(file)

    assert refused.value.what == "matrix.toml has 6 problems"


def test_the_matrix_of_this_repository() -> None:
    """It is valid, and production's row is in every group."""
    matrix = load(REPOSITORY / "matrix.toml")

    assert matrix.cells[0].groups == tuple(matrix.groups)
    assert {"smoke", "pr", "nightly", "release"} == matrix.groups.keys()
