"""launcher.json: what the launcher is told (everything about Airflow itself comes as AIRFLOW__* variables)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
"""The processes of Airflow, in the order in which they are forked: the API server takes longest."""

ARGUMENTS = {
    "api-server": (),
    # tasks write their logs where the API server reads them; the log servers would listen on every interface
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
"""What each `airflow <component>` command is given."""


@dataclass(frozen=True, kw_only=True)
class LauncherConfig:
    """One log per component goes to `logs`; `state_file` is rewritten at every change; the validator answers at
    `validate_socket`."""

    logs: Path
    state_file: Path
    validate_socket: Path

    def log(self, component: str) -> Path:
        """The file that gets all that a component prints."""
        return self.logs / f"airflow-{component}.log"

    @classmethod
    def read(cls, file: Path) -> LauncherConfig:
        """Read the file."""
        data = json.loads(file.read_text(encoding="utf-8"))
        return cls(**{name: Path(value) for name, value in data.items()})

    def text(self) -> str:
        """The file's content."""
        return json.dumps(
            {"logs": str(self.logs), "state_file": str(self.state_file), "validate_socket": str(self.validate_socket)}
        )
