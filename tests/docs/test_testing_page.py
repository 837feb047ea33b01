"""docs/testing.md names every fixture and option of the pytest plugin, and no other."""

from __future__ import annotations

import re
from typing import Any

import pytest
from _pytest.fixtures import FixtureFunctionDefinition

from sandbox import pytest_plugin
from tests.docs.pages import REPOSITORY, text

PAGE = "docs/testing.md"


class Options:
    """Takes what the plugin adds to pytest's command line."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def getgroup(self, *_: str) -> Options:
        return self

    def addoption(self, name: str, **_: Any) -> None:
        self.names.append(name)


def table(title: str) -> set[str]:
    """What stands as code in the first column below a heading."""
    section = text(PAGE).partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\S+?)[` ]", section, re.MULTILINE))


def test_fixtures() -> None:
    """Each fixture has its row."""
    defined = {name for name, value in vars(pytest_plugin).items() if isinstance(value, FixtureFunctionDefinition)}

    assert table("Fixtures") == defined


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option has its row."""
    options = Options()
    pytest_plugin.pytest_addoption(options)  # type: ignore[arg-type]

    assert table("Whose sandbox") == set(options.names)


def test_the_tests_of_a_cell() -> None:
    """Each file of tests has its row."""
    files = {path.name for path in (REPOSITORY / "tests" / "cell").glob("test_*.py")}

    assert table("What a cell of this repository runs") == files
