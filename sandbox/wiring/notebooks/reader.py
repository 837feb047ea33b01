"""Reader: the facts of notebooks by path and parameters; what has been read or understood once is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.databricks_stub.workspace_paths import notebook_beside
from sandbox.wiring.notebooks.cells import NotebookFile, read_notebook, read_python_file
from sandbox.wiring.notebooks.effects import Effects
from sandbox.wiring.notebooks.facts import Include, NotebookFacts
from sandbox.wiring.notebooks.interpreter import Interpreter, TooMuch
from sandbox.wiring.notebooks.sql import SqlFacts, sql_facts


@dataclass(frozen=True, kw_only=True)
class Reader:
    """`catalog` and `schema` are those of names with fewer than three parts."""

    project: Path
    catalog: str
    schema: str
    understand: Callable[[str], SqlFacts] = sql_facts
    files: dict[Path, NotebookFile] = field(default_factory=dict)

    def file(self, path: Path) -> NotebookFile:
        """The cells of a notebook."""
        if path not in self.files:
            self.files[path] = read_notebook(path)
        return self.files[path]

    def locate(self, path: str, folder: Path) -> Path | None:
        """The notebook that one in `folder` names."""
        return notebook_beside(path, folder, self.project)

    def follow(
        self, path: Path, given: Mapping[str, str], *, plain: bool = False, above: tuple[Path, ...] = ()
    ) -> NotebookFacts:
        """The facts of a notebook that is called with these parameters (a HOLE for a value that is not known).

        `plain` is a Python file that is no notebook; `above` are the notebooks that run this one.
        """
        facts = NotebookFacts(path=path, current=(self.catalog, self.schema))
        read = read_python_file if plain else self.file
        interpreter = Interpreter(facts, Effects(facts, given, self.understand), read, self.locate)
        try:
            interpreter.include(path)
        except TooMuch:
            facts.reads_any_widget = True
        interpreter.note_uncalled()
        facts.children = [self._child(child, (*above, path)) for child in facts.children]
        return facts

    def _child(self, child: Include, above: tuple[Path, ...]) -> Include:
        file = self.locate(child.path, child.place.file.parent)
        if file is None or file in above:
            return child
        return replace(child, facts=self.follow(file, dict(child.arguments or ()), above=above))
