"""Where Java archives may be taken from: folders, and the Maven repositories that this machine is configured for."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from sandbox.errors import ConfigurationError

CENTRAL = "https://repo1.maven.org/maven2"
VARIABLE = "SANDBOX_MAVEN_URL"
CENTRAL_NAMES = ("*", "central", "external:*")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A Maven repository, without a slash at its end; `auth` is a user and a password."""

    url: str
    auth: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class MavenAccess:
    """In this order: folders (flat, or laid out as a repository), then repositories."""

    folders: tuple[Path, ...] = ()
    repositories: tuple[Repository, ...] = ()


def maven_access(
    *,
    bundle: Path | None = None,
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
    offline: bool = False,
) -> MavenAccess:
    """What this machine is configured for.

    The bundle, if there is one, and the local repository are looked at first. Then $SANDBOX_MAVEN_URL alone; without
    it the mirror of Maven Central in ~/.m2/settings.xml, or Maven Central. Raises ConfigurationError for settings that
    cannot be read.
    """
    known = os.environ if env is None else env
    m2 = (home or Path.home()) / ".m2"
    settings = _settings(m2 / "settings.xml")
    local = _text(settings, "localRepository", known)
    folders = [bundle / "jars"] if bundle else []
    folders.append(Path(local) if local else m2 / "repository")
    if offline:
        return MavenAccess(folders=tuple(folders))
    if url := known.get(VARIABLE):
        repository = Repository(url=url.rstrip("/"))
    else:
        repository = _mirror(settings, known) or Repository(url=CENTRAL)
    return MavenAccess(folders=tuple(folders), repositories=(repository,))


def _settings(file: Path) -> ET.Element:
    if not file.is_file():
        return ET.Element("settings")
    try:
        root = ET.parse(file).getroot()
    except (ET.ParseError, OSError) as error:
        raise ConfigurationError(
            f"{file} cannot be read", why=str(error), next_command=f"{VARIABLE}={CENTRAL} sandbox runtimes build"
        ) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _mirror(settings: ET.Element, env: Mapping[str, str]) -> Repository | None:
    for mirror in settings.iterfind("mirrors/mirror"):
        names = [name.strip() for name in _text(mirror, "mirrorOf", env).split(",")]
        if any(name in CENTRAL_NAMES for name in names) and "!central" not in names:
            auth = _login(settings, _text(mirror, "id", env), env)
            return Repository(url=_text(mirror, "url", env).rstrip("/"), auth=auth)
    return None


def _login(settings: ET.Element, identifier: str, env: Mapping[str, str]) -> tuple[str, str] | None:
    for server in settings.iterfind("servers/server"):
        if _text(server, "id", env) == identifier and _text(server, "username", env):
            return _text(server, "username", env), _text(server, "password", env)
    return None


def _text(element: ET.Element, name: str, env: Mapping[str, str]) -> str:
    text = (element.findtext(name) or "").strip()
    return re.sub(r"\$\{env\.(\w+)\}", lambda found: env.get(found[1], ""), text)
