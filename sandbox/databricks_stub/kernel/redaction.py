"""Secrets that a notebook has read do not appear in its output, as on Databricks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import Any

from sandbox.databricks_stub.redaction import redacted


class OutputRedactor:
    """Replaces every secret that was revealed in what a notebook writes to its standard streams and displays."""

    def __init__(self, revealed: Collection[str]) -> None:
        self._revealed = revealed

    def __call__(self, text: str) -> str:
        return str(redacted(text, self._revealed))

    def install(self) -> None:
        """Stand between the notebook and its streams."""
        from IPython.core.getipython import get_ipython

        for stream in (sys.stdout, sys.stderr):
            setattr(stream, "write", self._writing(stream.write))  # noqa: B010 - a method cannot be assigned to
        publisher: Any = get_ipython().display_pub
        publish = publisher.publish

        def publishing(data: dict[str, Any], *arguments: Any, **keywords: Any) -> Any:
            clean = {kind: self(value) if isinstance(value, str) else value for kind, value in data.items()}
            return publish(clean, *arguments, **keywords)

        publisher.publish = publishing

    def _writing(self, write: Callable[[str], Any]) -> Callable[[str], Any]:
        return lambda text: write(self(text))
