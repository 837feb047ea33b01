"""Parse argv, call one operation, map SandboxError to an exit code; `main` holds the only sys.exit."""

from __future__ import annotations

from sandbox.cli.main import main

__all__ = ["main"]
