"""sandbox.toml + SANDBOX_* + flags -> frozen Config; all errors reported at once."""

from __future__ import annotations

from sandbox.config.load import LoadedConfig, load
from sandbox.config.model import Config

__all__ = ["Config", "LoadedConfig", "load"]
