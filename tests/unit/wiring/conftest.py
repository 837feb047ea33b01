"""A project in a folder, for rules to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from sandbox.config import load
from sandbox.wiring.check import Verdict, check
from sandbox.wiring.dag_import import ImportReport
from sandbox.wiring.facts import Facts, gather
from sandbox.wiring.findings import Finding
from sandbox.wiring.memory import Memory
from sandbox.wiring.notebooks.facts import NotebookFacts
from sandbox.wiring.notebooks.reader import Reader
from sandbox.wiring.settings import WiringSettings

HEADER = "# Databricks notebook source\n"


def asset(name: str, uri: str, *, watched: bool = False) -> dict[str, Any]:
    """An asset as the import reports it."""
    return {"kind": "asset", "name": name, "uri": uri, "watched": watched}


@dataclass
class Project:
    """Writes files; asks the rules."""

    root: Path
    dags: list[dict[str, Any]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        """A file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), "utf-8")
        return path

    def notebook(self, name: str, *cells: str) -> Path:
        """A notebook in source format; the code of the first cell begins in line 3."""
        text = "\n\n# COMMAND ----------\n\n".join(dedent(cell).strip("\n") for cell in cells)
        return self.write(f"notebooks/{name}.py", f"{HEADER}\n{text}\n")

    def job(self, tasks: str, *, parameters: str = "", name: str = "etl") -> Path:
        """A bundle with one job; `tasks` is YAML of the task list, `parameters` that of the parameters."""
        lines = ["bundle:", "  name: test", "resources:", "  jobs:", "    etl:", f"      name: {name}"]
        if parameters:
            lines += ["      parameters:", *(f"        {line}" for line in dedent(parameters).strip().splitlines())]
        lines += ["      tasks:", *(f"        {line}" for line in dedent(tasks).strip().splitlines())]
        return self.write("databricks.yml", "\n".join(lines) + "\n")

    def tasks(self, *names: str, **depends_on: str) -> Path:
        """A job of notebook tasks that are called like their notebooks."""
        text = ""
        for name in names:
            text += f"- task_key: {name}\n  notebook_task:\n    notebook_path: ./notebooks/{name}.py\n"
            if above := depends_on.get(name):
                text += f"  depends_on:\n    - task_key: {above}\n"
        return self.job(text)

    def dag(self, dag_id: str = "consumer", *, waits: object = (), **task: Any) -> None:
        """A DAG of one task, as the import reports it."""
        facts: dict[str, Any] = {"task_id": "run", "operator": "Some", "connections": {}, "outlets": []}
        facts |= {"pool": "default_pool", "dags": {}}
        self.dags.append(
            {
                "dag_id": dag_id,
                "file": str(self.root / "dags" / f"{dag_id}.py"),
                "schedule": "",
                "schedule_assets": waits,
                "tasks": ["run"],
                "operators": [facts | {"place": None, "databricks": None} | task],
            }
        )

    def facts(self) -> Facts:
        """The facts without the DAGs."""
        config = load(self.root, {}).config
        return gather(self.root, WiringSettings.of(config), self.environ, Memory())

    def verdict(self, *import_errors: Mapping[str, Any]) -> Verdict:
        """What all rules say."""
        report = ImportReport(seconds=0, warm=True, dags=tuple(self.dags), import_errors=import_errors, warnings=())
        return check(self.facts(), report)

    def findings(self, rule: str) -> list[Finding]:
        """What one rule says."""
        return [finding for finding in self.verdict().findings if finding.rule == rule]

    def places(self, rule: str) -> list[tuple[str, str, str]]:
        """Severity, place and subject of what one rule says."""
        return [
            (str(finding.severity), finding.place.shown(self.root), finding.subject) for finding in self.findings(rule)
        ]

    def follow(self, *cells: str, given: Mapping[str, str] | None = None) -> NotebookFacts:
        """The facts of a notebook of these cells."""
        path = self.notebook("followed", *cells)
        return Reader(project=self.root, catalog="main", schema="default").follow(path, given or {})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project with a folder of DAGs."""
    root = tmp_path.resolve()
    (root / "dags").mkdir()
    made = Project(root=root)
    made.write("sandbox.toml", '[databricks]\ncatalog = "main"\n')
    return made
