"""The rules of the code map that import-linter's lists cannot state by themselves."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "sandbox"
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}


def modules() -> set[str]:
    """The modules and packages right under `sandbox`."""
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return {f"sandbox.{name}" for name in files | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}}


def test_islands_are_kept_from_everything() -> None:
    """Whatever is added to the package, islands may not import it."""
    islands = set(CONTRACTS["islands"]["protected_modules"])
    forbidden = set(CONTRACTS["islands-import-nothing"]["forbidden_modules"])

    assert CONTRACTS["islands-import-nothing"]["source_modules"] == sorted(islands)
    assert modules() - islands - {"sandbox.archive", "sandbox.__main__"} <= forbidden


def test_importing_the_package_imports_nothing() -> None:
    """`sandbox/__init__.py` imports nothing: noxfile and islands have none of the tool's dependencies."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))

    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_every_module_says_what_it_is() -> None:
    """Every module opens with a docstring."""
    without = [
        str(path.relative_to(PROJECT))
        for path in sorted(PACKAGE.rglob("*.py"))
        if ast.get_docstring(ast.parse(path.read_text("utf-8"))) is None
    ]

    assert without == []
