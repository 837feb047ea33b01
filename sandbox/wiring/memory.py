"""What a check found out and the next one need not find out again; a file in the sandbox's folder.

Reading the configuration and parsing SQL need packages whose import takes longer than the whole check. A memory that is
missing, broken or of another version costs time only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.wiring.notebooks.sql import SqlFacts, sql_facts
from sandbox.wiring.settings import WiringSettings

VERSION = 2
"""Raised when the meaning of what is remembered changes."""


@dataclass(kw_only=True)
class Memory:
    """`file` None: it lasts as long as the process."""

    file: Path | None = None
    settings: WiringSettings | None = None
    signature: str = ""
    texts: dict[str, SqlFacts] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    changed: bool = False

    @classmethod
    def read(cls, file: Path) -> Memory:
        """The memory that the file holds; an empty one when there is none."""
        memory = cls(file=file)
        try:
            stored = json.loads(file.read_text("utf-8"))
            if stored["version"] == VERSION:
                memory.settings = WiringSettings.from_json(stored["settings"])
                memory.signature = stored["signature"]
                memory.texts = {text: SqlFacts.from_json(facts) for text, facts in stored["texts"].items()}
        except (OSError, ValueError, LookupError, TypeError):
            return cls(file=file)
        return memory

    def sql(self, text: str) -> SqlFacts:
        """The facts of a SQL text."""
        if text not in self.texts:
            self.texts[text] = sql_facts(text)
            self.changed = True
        self.used.add(text)
        return self.texts[text]

    def remember(self, settings: WiringSettings, signature: str) -> None:
        """Keep the settings."""
        self.settings, self.signature, self.changed = settings, signature, True

    def write(self) -> None:
        """Keep what was used this time, where there is a folder for it."""
        if self.file is None or self.settings is None or not self.changed or not self.file.parent.is_dir():
            return
        values: dict[str, Any] = {
            "version": VERSION,
            "signature": self.signature,
            "settings": asdict(self.settings),
            "texts": {text: asdict(self.texts[text]) for text in sorted(self.used)},
        }
        unfinished = self.file.with_suffix(".new")
        unfinished.write_text(json.dumps(values), "utf-8")
        unfinished.replace(self.file)
