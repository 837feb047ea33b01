"""CREATE WIDGET and REMOVE WIDGET: statements of notebooks that no engine knows.

Documented: https://docs.databricks.com/notebooks/widgets - the choices of a list are what a page offers
"""

from __future__ import annotations

import re

CREATE_WIDGET = re.compile(
    r"""\bCREATE\s+WIDGET\s+(?:TEXT|DROPDOWN|COMBOBOX|MULTISELECT)\s+(?P<name>`[^`]+`|\w+)"""
    r"""\s+DEFAULT\s+(?P<quote>["'])(?P<default>.*?)(?P=quote)""",
    re.IGNORECASE | re.DOTALL,
)
REMOVE_WIDGET = re.compile(r"\bREMOVE\s+WIDGET\s+(?P<name>`[^`]+`|\w+)", re.IGNORECASE)
LEGACY_PARAMETER = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}")
"""The older form of a parameter in a statement, `${name}`."""
COMMENTS = re.compile(r"(?:\s|/\*.*?\*/)*", re.DOTALL)


def created(statement: str) -> tuple[str, str] | None:
    """Name and default of the widget that the statement makes; None for another statement."""
    found = CREATE_WIDGET.match(statement, _begin(statement))
    return (found["name"].strip("`"), found["default"]) if found else None


def removed(statement: str) -> str | None:
    """Name of the widget that the statement removes; None for another statement."""
    found = REMOVE_WIDGET.match(statement, _begin(statement))
    return found["name"].strip("`") if found else None


def _begin(statement: str) -> int:
    found = COMMENTS.match(statement)
    return found.end() if found else 0
