"""A lock package by package: which of them a Python minor version installs, and a lock with more hashes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.markers import Marker, default_environment
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

_BLOCK = re.compile(r"\n(?=\S)")
_FIRST = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?:\s*;(?P<marker>[^\\\n]*))?"
)

Identity = tuple[NormalizedName, Version]


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One package of a lock."""

    identity: Identity
    marker: str
    hashes: frozenset[str]
    block: str

    @property
    def requirement(self) -> str:
        """The package with its hashes, without its marker, as a requirements file has it."""
        first, *rest = self.block.split("\n")
        bare = first.split(";")[0].rstrip().rstrip("\\").rstrip()
        return "\n".join([f"{bare} \\" if rest else bare, *rest])


def parse(lock: str) -> list[Pin]:
    """The packages of a lock, in its order."""
    found = []
    for block in _BLOCK.split(lock.strip()):
        if match := _FIRST.match(block):
            found.append(
                Pin(
                    identity=(canonicalize_name(match["name"]), Version(match["version"])),
                    marker=(match["marker"] or "").strip(),
                    hashes=frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)),
                    block=block,
                )
            )
    return found


def select(lock: str, python_version: str) -> list[Pin]:
    """The packages that some release of the Python minor version installs on this platform.

    Some markers look at the release's last number; another machine's differs from this one's, so what any needs is in.
    """
    releases = [f"{python_version}.{last}" for last in ("0", "99")]
    return [pin for pin in parse(lock) if any(installs(release, pin) for release in releases)]


def installs(release: str, pin: Pin) -> bool:
    """Whether this Python release (`3.11.2`) installs the package on this platform."""
    environment = {
        **{key: str(value) for key, value in default_environment().items()},
        "python_version": release.rpartition(".")[0],
        "python_full_version": release,
        "implementation_version": release,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return not pin.marker or Marker(pin.marker).evaluate(environment)


def rounds(pins: list[Pin]) -> list[list[Pin]]:
    """The packages in as few lists as hold none of them in two versions, which pip refuses."""
    lists: list[list[Pin]] = []
    for pin in pins:
        for each in lists:
            if all(other.identity[0] != pin.identity[0] for other in each):
                each.append(pin)
                break
        else:
            lists.append([pin])
    return lists


def with_hashes(lock: str, additional: Mapping[Identity, str]) -> str:
    """The lock with one more hash for some packages."""
    blocks = []
    for block in _BLOCK.split(lock.strip()):
        pin = next(iter(parse(block)), None)
        digest = additional.get(pin.identity) if pin else None
        known = pin is None or digest is None or digest in pin.hashes
        blocks.append(block if known else f"{block} \\\n    --hash=sha256:{digest}")
    return "\n".join(blocks) + "\n"


def wheel_identity(file_name: str) -> Identity:
    """The package and the version that a wheel's name gives."""
    name, version, _, _ = parse_wheel_filename(file_name)
    return name, version
