"""An executed notebook as a page: sources coloured, outputs as they came; scripts in outputs do not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sandbox.databricks_stub import executed
from sandbox.databricks_stub.model import JobRun, TaskRun
from sandbox.databricks_stub.pages.render import render

LEXERS = {"%sql": "sql", "%sh": "bash", "%scala": "scala", "%r": "r"}
IMAGES = ("image/png", "image/jpeg")


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output: kind "html", "image", "text", "stderr" or "error"."""

    kind: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One notebook_cell; `markdown` is set instead of a coloured `source`."""

    markdown: Markup | None
    source: Markup
    outputs: tuple[Output, ...]


def render_notebook(run: JobRun, task: TaskRun, path: str | None, *, now_ms: int = 0, nonce: str = "") -> str:
    """The page of a task_run, whose notebook is at `path`; it refreshes itself until the task has ended."""
    cells = [_cell(cell) for cell in executed.cells(path)] if path else []
    live = bool(nonce) and not task.state.is_terminal
    return render("notebook.html", run=run, task=task, cells=cells, now_ms=now_ms, live=live, nonce=nonce)


def _cell(cell: Mapping[str, Any]) -> Cell:
    source = executed.joined(cell.get("source"))
    outputs = tuple(_output(output) for output in cell.get("outputs", ()))
    first = source.split(None, 1)[0] if source.strip() else ""
    if cell.get("cell_type") == "markdown" or first in {"%md", "%md-sandbox"}:
        return Cell(
            markdown=_markdown(source.removeprefix(first) if first.startswith("%") else source),
            source=Markup(),
            outputs=(),
        )
    return Cell(markdown=None, source=_coloured(source, LEXERS.get(first, "python")), outputs=outputs)


def _output(output: Mapping[str, Any]) -> Output:
    match output.get("output_type"):
        case "stream":
            kind = "stderr" if output.get("name") == "stderr" else "text"
            return Output(kind=kind, content=executed.plain(output.get("text")))
        case "error":
            trace = "\n".join(output.get("traceback", ())) or f"{output.get('ename')}: {output.get('evalue')}"
            return Output(kind="error", content=executed.plain(trace))
    data = output.get("data", {})
    for kind in IMAGES:
        if kind in data:
            return Output(kind="image", content=f"data:{kind};base64,{executed.joined(data[kind]).strip()}")
    if "text/html" in data:
        return Output(kind="html", content=executed.joined(data["text/html"]))
    return Output(kind="text", content=executed.plain(data.get("text/plain")))


def _coloured(source: str, language: str) -> Markup:
    # Imported here: pygments and mistune are only needed when a page is opened, and the workspace must start fast.
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return Markup(highlight(source, get_lexer_by_name(language, stripnl=False), HtmlFormatter(nowrap=True)))


def _markdown(source: str) -> Markup:
    import mistune

    return Markup(mistune.html(source.strip()))
