"""docs/backend-contract.md numbers every contract test, has a test for each number, and each capability as it is."""

from __future__ import annotations

import ast
import re

import pytest

from sandbox.backends import BACKENDS, Capability
from tests.docs.pages import REPOSITORY, text

PAGE = "docs/backend-contract.md"
TESTS = REPOSITORY / "tests" / "integration" / "backends" / "test_backend_contract.py"


def numbers_of_tests() -> dict[str, list[str]]:
    """The numbers that each test's docstring begins with."""
    functions = [
        node
        for node in ast.parse(TESTS.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    return {node.name: re.findall(r"\bB\d+", (ast.get_docstring(node) or "").partition(":")[0]) for node in functions}


def test_each_number_is_tested_and_each_test_has_one() -> None:
    """In the page's table, counted up from one."""
    listed = re.findall(r"^\| (B\d+) \|", text(PAGE), re.MULTILINE)
    tested = numbers_of_tests()

    assert listed == [f"B{number}" for number in range(1, len(listed) + 1)]
    assert set(listed) == {number for numbers in tested.values() for number in numbers}
    assert [name for name, numbers in tested.items() if not numbers] == []


@pytest.mark.parametrize("capability", list(Capability))
def test_each_capability_is_listed(capability: Capability) -> None:
    """With what each backend declares."""
    header = re.search(r"^\| Capability \| (.*?) \| Without it \|$", text(PAGE), re.MULTILINE)
    row = re.search(rf"^\| `{capability}` \| (.*?) \| [^|]+ \|$", text(PAGE), re.MULTILINE)

    assert header
    assert row
    assert header[1].split(" | ") == list(BACKENDS)
    assert row[1].split(" | ") == ["yes" if capability in each.CAPABILITIES else "–" for each in BACKENDS.values()]
