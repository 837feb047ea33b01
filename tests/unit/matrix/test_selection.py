"""Which cells a word, an expression or a group means."""

from __future__ import annotations

import pytest

from sandbox.errors import ConfigurationError, NothingSelected, SandboxError
from sandbox.matrix.model import Matrix
from sandbox.matrix.selection import select


@pytest.mark.parametrize(
    ("words", "groups", "expected"),
    [
        ([], [], [0, 1, 2]),
        ([], ["pr"], [0]),
        (["airflow3.0.2-py3.11-kind-sail-dbx7.6.0"], [], [2]),
        (["*process*"], [], [0, 1]),
        (["airflow>=3.1"], [], [1]),
        (["airflow>=3.0.2"], [], [0, 1, 2]),
        (["airflow<3.1,backend=kind"], [], [2]),
        (["databricks>7.6"], [], [1]),
        (["airflow=3.0.*, backend!=kind"], [], [0]),
        (["backend=kind", "airflow==3.1.8"], [], [1, 2]),
        (["python<=3.11"], ["nightly"], [0]),
    ],
)
def test_selection(matrix: Matrix, words: list[str], groups: list[str], expected: list[int]) -> None:
    """Words add up, groups narrow down, the order is the matrix's."""
    assert [matrix.cells.index(cell) for cell in select(matrix, words, groups)] == expected


@pytest.mark.parametrize(
    ("words", "groups", "error", "said"),
    [
        (["airflow3.0.2-py3.13-process-sail-dbx7.6.0"], [], NothingSelected, "3.0 does not know 3.13"),
        (["airflow3.0.2-py3.11-kind-sail-dbx7.6.1"], [], NothingSelected, "airflow3.0.2-py3.11-kind-sail-dbx7.6.0"),
        (["*docker*"], [], NothingSelected, "no cell is selected by *docker*"),
        (["airflow>=3.1"], ["pr"], NothingSelected, "no cell is selected by airflow>=3.1 --group pr"),
        (["airflow=3.0.2,python=3.13"], [], NothingSelected, "3.0 does not know 3.13"),
        (["backend=kind,engine=spark"], [], NothingSelected, "no image of kind has Java"),
        (["airflow3.0.2-py3.11-docker-spark-dbx7.6.0"], [], NothingSelected, "no image of docker has Java"),
        ([], ["prs"], ConfigurationError, "there is no group prs"),
        (["flow>=3"], [], ConfigurationError, "'flow>=3' is no term over the axes"),
        (["backend>kind"], [], ConfigurationError, "cannot be compared"),
        (["airflow>new"], [], ConfigurationError, "cannot be compared"),
    ],
)
def test_what_is_not_meant(
    matrix: Matrix, words: list[str], groups: list[str], error: type[SandboxError], said: str
) -> None:
    """Each refusal says what it stumbled over."""
    with pytest.raises(error) as refused:
        select(matrix, words, groups)

    assert said in str(refused.value)
