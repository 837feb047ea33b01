"""All forms of a report, written beside its report.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.report import history, html, junit, markdown, store
from sandbox.report.history import History
from sandbox.report.model import Report


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form: its file, and what makes its text of a report, the cells' history and the report's folder."""

    file: str
    text: Callable[[Report, Mapping[str, History], Path], str]


FORMS: dict[str, Form] = {
    "html": Form(file="report.html", text=html.render),
    "markdown": Form(file="report.md", text=lambda report, past, _: markdown.render(report, past)),
    "junit": Form(file="junit.xml", text=lambda report, _, __: junit.render(report)),
}


def text(name: str, report: Report, project: Path, folder: Path) -> str:
    """One form as text."""
    return FORMS[name].text(report, _history(report, project), folder)


def write(report: Report, project: Path, folder: Path) -> dict[str, Path]:
    """Write every form into the folder; returns the files by form."""
    past = _history(report, project)
    files = {}
    for name, form in FORMS.items():
        files[name] = folder / form.file
        files[name].write_text(form.text(report, past, folder), encoding="utf-8")
    return files


def _history(report: Report, project: Path) -> dict[str, History]:
    return history.of_report(report, store.earlier(project, report))
