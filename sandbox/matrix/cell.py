"""A cell of the matrix: its id, and the axes that are read from it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from pydantic import Field, field_validator

from sandbox.config.model import Section

AXES = ("airflow", "python", "backend", "engine", "databricks")
"""The axes in the order in which an id names them."""

_ID = re.compile(
    r"airflow(?P<airflow>\d+(?:\.\d+)+)-py(?P<python>\d+\.\d+)-(?P<backend>[a-z]+)-(?P<engine>[a-z]+)"
    r"-dbx(?P<databricks>\d+(?:\.\d+)+)"
)
EXAMPLE_ID = "airflow3.0.2-py3.11-process-sail-dbx7.6.0"

BACKEND_MEMORY_MIB: Mapping[str, int] = {"process": 2600, "docker": 3600, "kind": 5600}
"""What a sandbox takes while the sample pipeline runs; a backend that is not named is taken for the largest."""
ENGINE_MEMORY_MIB: Mapping[str, int] = {"sail": 0, "spark": 1500}

BACKEND_PLACES: Mapping[str, int] = {"kind": 2}
"""How many cells a cell counts as, where that is not one: on kind each task starts a pod, and its processor is busy."""


def parse_id(cell_id: str) -> dict[str, str] | None:
    """The axes of a well-formed id; None for anything else."""
    match = _ID.fullmatch(cell_id)
    return match.groupdict() if match else None


class Cell(Section):
    """One row of the matrix."""

    id: str = Field(description="Airflow, Python, backend, engine and databricks provider, in this order.")
    purpose: str = Field(description="Why it is in the matrix, in a few words.")
    groups: tuple[str, ...] = Field((), strict=False, description="The groups that it belongs to.")
    tests: tuple[str, ...] = Field((), strict=False, description="What pytest runs, instead of `defaults.tests`.")
    limit_seconds: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        strict=False,
        description="How long it may take, instead of `defaults.limit_seconds`.",
    )
    memory_mib: int | None = Field(None, gt=0, description="What it needs, instead of what its backend and engine do.")

    @field_validator("id")
    @classmethod
    def _well_formed(cls, value: str) -> str:
        if parse_id(value) is None:
            raise ValueError(f'"{value}" is no cell id, which looks like {EXAMPLE_ID}')
        return value

    @functools.cached_property
    def axes(self) -> Mapping[str, str]:
        """The value of each axis."""
        return parse_id(self.id) or {}

    @property
    def airflow(self) -> str:
        return self.axes["airflow"]

    @property
    def python(self) -> str:
        return self.axes["python"]

    @property
    def backend(self) -> str:
        return self.axes["backend"]

    @property
    def engine(self) -> str:
        return self.axes["engine"]

    @property
    def databricks(self) -> str:
        return self.axes["databricks"]

    @property
    def places(self) -> int:
        """How many cells it counts as when the machine is shared."""
        return BACKEND_PLACES.get(self.backend, 1)

    @property
    def expected_memory_mib(self) -> int:
        """What it needs: its own figure, or that of its backend and engine."""
        if self.memory_mib is not None:
            return self.memory_mib
        backend = BACKEND_MEMORY_MIB.get(self.backend, max(BACKEND_MEMORY_MIB.values()))
        return backend + ENGINE_MEMORY_MIB.get(self.engine, max(ENGINE_MEMORY_MIB.values()))
