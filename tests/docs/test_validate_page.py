"""docs/validate.md lists the rules of `sandbox validate`."""

from __future__ import annotations

import re

from sandbox.wiring.check import DAG_IMPORTS
from sandbox.wiring.rules import RULES
from tests.docs.pages import text


def test_every_rule_has_its_row_and_no_other() -> None:
    """Id, example, fix."""
    table = text("docs/validate.md").partition("## The rules")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| `([\w-]+)` \| \S.* \| \S.* \|$", table, re.MULTILINE)

    assert rows == [DAG_IMPORTS, *RULES]
