"""The pages as data: headings, links, code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\[]*(?:\[[^\]]*\][^\]\[]*)*\]\((?P<target>[^)\s]+)\)")
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
HEADING = re.compile(r"^#{1,6} (?P<title>.+)$", re.MULTILINE)
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


def pages() -> list[Path]:
    """Every page that users and contributors read."""
    return [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]


def text(name: str) -> str:
    """A page by its path in the repository."""
    return (REPOSITORY / name).read_text("utf-8")


def prose(page: str) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", page)


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    return {_slug(match["title"]) for match in HEADING.finditer(prose(page))}


def _slug(title: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def links(page: str) -> list[str]:
    """The targets of a page's links."""
    return [match["target"] for match in LINK.finditer(prose(page))]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A command line in a page: the variables before it, the program, its arguments."""

    page: str
    line: str
    variables: tuple[str, ...]
    words: tuple[str, ...]


def examples() -> Iterator[Example]:
    """The command lines in the pages' shell blocks, and those of our own programs that stand in the text as code."""
    for path in pages():
        page = path.read_text("utf-8")
        blocks = [match["code"] for match in FENCE.finditer(page) if match["language"] in ("console", "sh", "bash")]
        lines = [line.strip() for block in blocks for line in block.splitlines()]
        lines += [
            span for span in SPAN.findall(prose(page)) if re.match(r"(?:\.venv/bin/)?(sandbox|nox|make) [a-z-]", span)
        ]
        for line in lines:
            if line and not line.startswith("#"):
                yield from _commands(str(path.relative_to(REPOSITORY)), line)


def _commands(page: str, line: str) -> Iterator[Example]:
    inner = re.search(r"\$\(([^)]*)\)", line)
    for part in [inner[1]] if inner else line.split(" && "):
        words = shlex.split(part.replace("\\|", "|"), comments=True)
        count = next((at for at, word in enumerate(words) if not ASSIGNMENT.fullmatch(word)), len(words))
        if words[count:]:
            program, *arguments = words[count:]
            yield Example(
                page=page,
                line=line,
                variables=tuple(word.partition("=")[0] for word in words[:count]),
                words=(program.removeprefix(".venv/bin/"), *arguments),
            )
