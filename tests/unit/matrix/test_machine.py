"""How many cells at once, and which backend is the best."""

from __future__ import annotations

import pytest

from sandbox.backends import BACKENDS
from sandbox.matrix import machine, settings
from sandbox.matrix.model import Matrix


@pytest.mark.parametrize(
    ("cells", "cores", "wanted", "expected"), [(9, 2, None, 2), (9, 1, None, 1), (2, 8, None, 2), (9, 2, 5, 5)]
)
def test_jobs(monkeypatch: pytest.MonkeyPatch, cells: int, cores: int, wanted: int | None, expected: int) -> None:
    """One per core, unless somebody says otherwise, and never more than there are."""
    monkeypatch.setattr(machine, "cores", lambda: cores)

    assert machine.jobs(cells, wanted=wanted) == expected


@pytest.mark.parametrize(
    ("missing", "expected"), [(set(), "kind"), ({"kind"}, "process"), ({"kind", "process"}, "process")]
)
def test_the_best_backend(monkeypatch: pytest.MonkeyPatch, matrix: Matrix, missing: set[str], expected: str) -> None:
    """The one nearest to production that this machine can run; production's first cell when it can run none."""
    monkeypatch.setitem(BACKENDS, "kind", BACKENDS["process"])

    chosen = settings.best(matrix.production(), lambda backend: f"no {backend}" if backend in missing else "")

    assert chosen.backend == expected
