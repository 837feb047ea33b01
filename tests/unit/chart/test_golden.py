"""What a change of the chart changes in the release is seen in review."""

from __future__ import annotations

import os

from tests.unit.chart.golden import FOLDER, WRITE, summary
from tests.unit.chart.rendered import Rendered


def test_the_release_is_the_one_that_was_reviewed(kind: Rendered, production: Rendered) -> None:
    """Both profiles, in short, as in `golden/`; `python -m tests.unit.chart.golden` writes them anew."""
    found = {"kind.txt": summary(kind), "production.txt": summary(production)}
    if os.environ.get(WRITE):
        FOLDER.mkdir(exist_ok=True)
        for name, text in found.items():
            (FOLDER / name).write_text(text, "utf-8")

    assert found == {name: (FOLDER / name).read_text("utf-8") for name in found}
