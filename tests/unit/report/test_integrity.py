"""A report that was edited is noticed."""

from __future__ import annotations

from pathlib import Path

from sandbox.report import store
from sandbox.report.integrity import complaint, of_tree, sealed
from sandbox.report.model import Report, State


def test_a_report_survives_the_way_to_disk_and_back(report: Report, tmp_path: Path) -> None:
    """What is read is what was written, with a digest that fits."""
    file = store.write(sealed(report, ""), tmp_path)

    found = store.read(file)

    assert complaint(found, "") == ""
    assert found == sealed(report, "")
    assert found.integrity
    assert found.integrity.algorithm == "sha256"


def test_an_edited_report_is_noticed(report: Report) -> None:
    """One state turned to green is enough."""
    good = sealed(report, "")
    cells = tuple(cell.model_copy(update={"state": State.PASSED}) for cell in good.cells)

    assert complaint(good.model_copy(update={"cells": cells}), "") == "it was changed after it was written"
    assert complaint(report, "") == "it carries no digest"


def test_a_signature_needs_the_key(report: Report) -> None:
    """Another key, or none, does not do."""
    good = sealed(report, "secret")

    assert complaint(good, "secret") == ""
    assert "signed with another key" in complaint(good, "other")
    assert "SANDBOX_REPORT_KEY is not set" in complaint(good, "")


def test_the_digest_of_a_folder(tmp_path: Path) -> None:
    """Names and contents count, byte code does not."""
    (tmp_path / "a.py").write_text("1")
    first = of_tree(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert of_tree(tmp_path) == first

    (tmp_path / "a.py").rename(tmp_path / "b.py")

    assert of_tree(tmp_path) != first
