"""`sandbox config`: the settings and where each value came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """Where the setting, or the nearest table around it, was given."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return "default"


@click.command("config")
@common_options
def command(session: Session) -> None:
    """Print every setting with its value and where it came from: default, sandbox.toml:LINE, or SANDBOX_*."""
    loaded = session.loaded
    values = dict(_flat(loaded.config.model_dump(mode="json", by_alias=True, exclude_none=True)))
    session.terminal.result(
        {key: {"value": value, "origin": _origin(key, loaded.origins)} for key, value in values.items()}
    )
    rows = [(key, str(value), _origin(key, loaded.origins)) for key, value in values.items()]
    session.terminal.show(table(("setting", "value", "from"), rows))
