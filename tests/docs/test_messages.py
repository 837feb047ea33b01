"""The messages that the pages explain are those of the code."""

from __future__ import annotations

import inspect
import re

import pytest

import sandbox.errors
from tests.docs.messages import HOLE, all_literals, fragments, pattern, raised
from tests.docs.pages import REPOSITORY, text

TROUBLESHOOTING = "docs/troubleshooting.md"
PIPELINE = "docs/pipeline.md"
CLASSES = {name for name, kind in vars(sandbox.errors).items() if inspect.isclass(kind)}


def messages(page: str) -> list[str]:
    """What stands as code in the first column of a page's tables of symptoms and messages, as patterns."""
    found: list[str] = []
    inside = False
    for line in text(page).splitlines():
        cells = line.split(" | ")
        if not line.startswith("|"):
            inside = False
        elif cells[0] in ("| Symptom", "| Message"):
            inside = True
        elif inside and (match := re.fullmatch(r"\| `(?:error: )?([^`]+)`", cells[0])):
            found.append(pattern(match[1]))
    return found


def is_explained(message: str, explained: list[str]) -> bool:
    """Whether one of the explained patterns has the fixed parts of this message, or this message those of it."""
    return any(_matches(entry, message) for entry in explained)


def _matches(entry: str, message: str) -> bool:
    """A page may leave out the end of a message, and fill in what the code leaves open."""
    parts = fragments(entry)
    whole = ".*".join(re.escape(part.strip()) for part in parts)
    other = ".*".join(re.escape(part.strip()) for part in fragments(message))
    return bool(re.search(whole, message, re.DOTALL) or re.search(other, entry, re.DOTALL))


@pytest.mark.parametrize("entry", [*messages(TROUBLESHOOTING), *messages(PIPELINE)], ids=lambda e: e.replace(HOLE, "…"))
def test_explained_messages_exist(entry: str) -> None:
    """Each message that a page explains is in the code."""
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    whole = ".*".join(re.escape(part) for part in fragments(entry))

    assert any(re.search(whole, text, re.DOTALL) for text in (*all_literals(), makefile))


@pytest.mark.parametrize(
    "message", sorted(raised(REPOSITORY / "dags", {"BadInput"})), ids=lambda m: m.replace(HOLE, "…")
)
def test_bad_input_is_explained(message: str) -> None:
    """Each refusal of the ingestion stands in pipeline.md."""
    assert is_explained(message, messages(PIPELINE))


@pytest.mark.parametrize("message", sorted(raised(REPOSITORY / "sandbox", CLASSES)), ids=lambda m: m.replace(HOLE, "…"))
def test_errors_of_the_tool_are_explained(message: str) -> None:
    """Each foreseen error of the command line stands in troubleshooting.md."""
    assert is_explained(message, [*messages(TROUBLESHOOTING), "unforeseen: "])
