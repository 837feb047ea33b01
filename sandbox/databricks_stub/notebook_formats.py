"""A notebook of one format in the other: source format to .ipynb and back. Outputs and titles of cells are left behind.

Documented: https://docs.databricks.com/notebooks/notebook-export-import
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.databricks_stub.notebook_source import (
    COMMENT,
    HEADER,
    LANGUAGE_OF_SUFFIX,
    MAGIC_LINE,
    METADATA,
    SEPARATOR,
    NotANotebook,
    NotebookCell,
    cells_of,
    language_of,
)

SUFFIX_OF_LANGUAGE: dict[str, str] = {language: suffix for suffix, language in LANGUAGE_OF_SUFFIX.items()}


def jupyter_of(text: str, suffix: str, name: str) -> str:
    """The .ipynb of a notebook in source format, .py or .sql; raises NotANotebook, which calls it `name`."""
    language = LANGUAGE_OF_SUFFIX[suffix]
    document = {
        "cells": [_jupyter_cell(cell) for cell in cells_of(text, suffix, name)],
        "metadata": {METADATA: {"language": language, "notebookName": name}, "language_info": {"name": language}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def source_of(text: str, name: str) -> tuple[str, str]:
    """An .ipynb in source format, and its suffix; raises NotANotebook, which calls it `name`."""
    cells = cells_of(text, ".ipynb", name)
    language = language_of(json.loads(text))
    suffix = SUFFIX_OF_LANGUAGE.get(language)
    if suffix is None:
        raise NotANotebook(f"{name} is a notebook in {language}, for which there is no source format here")
    blocks = [_block(cell, COMMENT[suffix]) for cell in cells]
    return f"{HEADER[suffix]}\n" + f"\n\n{SEPARATOR[suffix]}\n\n".join(blocks) + "\n", suffix


def _jupyter_cell(cell: NotebookCell) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": cell.kind,
        "metadata": {},
        "source": cell.source.splitlines(keepends=True),
    }
    return made | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})


def _block(cell: NotebookCell, prefix: str) -> str:
    # Assumed: a raw cell becomes text, as source format has no third kind.
    source = cell.source if cell.kind == "code" else f"%md\n{cell.source}"
    if not MAGIC_LINE.match(source):
        return source
    return "\n".join(f"{prefix}MAGIC {line}".rstrip() for line in source.split("\n"))
