"""The report as frozen values: `report.json` is these, in this form (`schema` is its version)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

SCHEMA: Final = 2

_NAMED_ERROR = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception|Failed|Failure|Interrupt|Timeout)\b.*: .+")


class State(StrEnum):
    """What became of a test or of a cell: four different things, never added up."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"

    @property
    def words(self) -> str:
        """As people read it."""
        return self.value.replace("_", " ")


class Value(BaseModel):
    """What all parts of the report have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Counts(Value):
    """The four numbers."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    not_run: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.skipped + self.not_run

    @property
    def words(self) -> str:
        """`3 passed, 0 failed, 0 skipped, 1 not run`."""
        return ", ".join(f"{getattr(self, state.value)} {state.words}" for state in State)


def count(states: Iterable[State]) -> Counts:
    """How often each state occurs."""
    return Counts(**{state.value: number for state, number in Counter(states).items()})


class TestResult(Value):
    """One test: `message` in a line or two, `details` and `output` as far as they help."""

    __test__ = False  # pytest would collect it by its name

    id: str
    state: State
    setup_seconds: float = 0.0
    call_seconds: float = 0.0
    teardown_seconds: float = 0.0
    message: str = ""
    details: str = ""
    output: str = ""

    @property
    def seconds(self) -> float:
        """All its phases."""
        return self.setup_seconds + self.call_seconds + self.teardown_seconds


class Phase(Value):
    """A part of a cell's time."""

    name: str
    seconds: float


class File(Value):
    """A file beside the report: its path from the report's folder, and its digest."""

    path: str
    sha256: str
    size_bytes: int
    kind: str = Field(description="`record`, `log` or `notebook`.")
    title: str = ""


class RuntimeUsed(Value):
    """A locked environment that a cell ran in."""

    name: str
    key: str
    lock_sha256: str


class CellResult(Value):
    """One cell: its state, why it has no other one, its tests, its files, and the command that runs it again."""

    id: str
    axes: Mapping[str, str]
    groups: tuple[str, ...] = ()
    purpose: str = ""
    state: State
    reason: str = ""
    flaky: bool = False
    attempts: int = 0
    started: str = ""
    seconds: float = 0.0
    phases: tuple[Phase, ...] = ()
    asked: tuple[str, ...] = Field((), description="What pytest was given to run.")
    tests: tuple[TestResult, ...] = ()
    retried: tuple[TestResult, ...] = Field((), description="What did not pass in an attempt before the last one.")
    counts: Counts = Field(default_factory=Counts)
    rerun: str = ""
    settings: Mapping[str, str] = Field(default_factory=dict)
    variables: tuple[str, ...] = Field((), description="Variables of the shell that set more than the cell does.")
    runtimes: tuple[RuntimeUsed, ...] = ()
    images: Mapping[str, str] = Field(default_factory=dict)
    files: tuple[File, ...] = ()


class Trouble(Value):
    """Tests of a cell that did not pass for the same reason."""

    state: State
    message: str
    tests: tuple[TestResult, ...]

    @property
    def headline(self) -> str:
        """The reason in a line: the message's first one, and the last error that it names further down."""
        first, *others = self.message.strip().splitlines() or [self.state.words]
        named = [line.strip() for line in others if _NAMED_ERROR.match(line.strip())]
        return f"{first} … {named[-1]}" if named else first


def troubles(tests: Sequence[TestResult]) -> list[Trouble]:
    """What kept tests from passing, each reason once; failures first."""
    found: dict[tuple[State, str], list[TestResult]] = {}
    for state in (State.FAILED, State.NOT_RUN, State.SKIPPED):
        for test in tests:
            if test.state is state:
                found.setdefault((state, test.message), []).append(test)
    return [Trouble(state=state, message=message, tests=tuple(tests)) for (state, message), tests in found.items()]


class Source(Value):
    """The revision that was tested; `changes` are the paths that differed from it, before or after."""

    revision: str = ""
    branch: str = ""
    clean: bool = False
    changes: tuple[str, ...] = ()


class Integrity(Value):
    """The digest of everything else in the report: `sha256`, or `hmac-sha256` where a key signed it."""

    algorithm: str
    digest: str


class Report(Value):
    """One run of the matrix, or several merged; `inputs` are the digests of what was tested."""

    schema_: Literal[2] = Field(SCHEMA, alias="schema", description="The version of this form.")
    id: str
    created: str
    tool_version: str
    selection: tuple[str, ...] = ()
    source: Source
    inputs: Mapping[str, str] = Field(default_factory=dict)
    machine: str = ""
    jobs: int = 1
    seconds: float = 0.0
    cells: tuple[CellResult, ...] = ()
    integrity: Integrity | None = None

    @field_validator("created")
    @classmethod
    def _has_a_zone(cls, text: str) -> str:
        if datetime.fromisoformat(text).tzinfo is None:
            raise ValueError("says no time zone")
        return text

    @property
    def cell_counts(self) -> Counts:
        """The four numbers of the cells."""
        return count(cell.state for cell in self.cells)

    @property
    def test_counts(self) -> Counts:
        """The four numbers of all tests of all cells."""
        return count(test.state for cell in self.cells for test in cell.tests)


def json_schema() -> dict[str, Any]:
    """The form of `report.json` as JSON Schema (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema(by_alias=True)}


def state_of(tests: Iterable[TestResult], *, problem: str = "") -> State:
    """The state of a cell with these tests: passed only when every one of them passed, and there was one."""
    states = {test.state for test in tests}
    if problem or State.FAILED in states or not states:
        return State.FAILED
    return next((state for state in (State.NOT_RUN, State.SKIPPED) if state in states), State.PASSED)


def shortened(text: str, limit: int) -> str:
    """The beginning and the end of a long text."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit // 4], text[-(limit - limit // 4) :]
    # whole lines, where there are any
    head = head[: head.rfind("\n")] if "\n" in head else head
    tail = tail[tail.find("\n") + 1 :] if "\n" in tail else tail
    return f"{head}\n… {len(text) - len(head) - len(tail)} characters left out …\n{tail}"


def plain(text: str) -> str:
    """A text without the escape sequences of a terminal: colours and cursor (CSI), titles and links (OSC)."""
    return re.sub(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\))", "", text)
