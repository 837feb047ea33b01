"""The volumes and secrets that notebooks name are defined."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, listed, slip_of
from sandbox.wiring.rules.base import Rule


def _volumes(facts: Facts) -> Iterator[Finding]:
    known = {name.lower() for name in facts.settings.volumes}
    seen = set()
    for each in facts.followed:
        for name, place in each.volumes.items():
            if name.lower() in known or (name, place) in seen:
                continue
            seen.add((name, place))
            meant = slip_of(name.lower(), known, alike=0.9)
            report = VOLUME.error if meant else VOLUME.warning
            yield report(
                place,
                name,
                f"the notebook names the volume {name}, over which the sandbox has no bucket",
                f"did you mean {meant}?" if meant else f'add "{name}" = "s3://…" to databricks.volumes',
            )


def _secrets(facts: Facts) -> Iterator[Finding]:
    known = set(facts.settings.secrets)
    seen = set()
    for each in facts.followed:
        for (scope, key), place in each.secrets.items():
            if f"{scope}/{key}" in known or (scope, key, place) in seen:
                continue
            seen.add((scope, key, place))
            yield SECRET.error(
                place,
                f"{scope}/{key}",
                f"the notebook reads the secret {key!r} of the scope {scope!r}, which is not defined",
                f"add it to databricks.secrets, which has {listed(known)}",
            )


VOLUME = Rule(id="volume-known", title="every volume that a notebook names is in databricks.volumes", check=_volumes)
SECRET = Rule(id="secret-defined", title="every secret that a notebook reads is in databricks.secrets", check=_secrets)
