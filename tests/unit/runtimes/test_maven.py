"""Where Java archives may come from, as this machine is configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError
from sandbox.runtimes.maven import CENTRAL, Repository, maven_access

SETTINGS = """<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
  <localRepository>/carried/repository</localRepository>
  <servers><server><id>mine</id><username>me</username><password>${env.MAVEN_PASSWORD}</password></server></servers>
  <mirrors>
    <mirror><id>other</id><mirrorOf>spring</mirrorOf><url>https://other.example/</url></mirror>
    <mirror><id>mine</id><mirrorOf>*</mirrorOf><url>https://mirror.example/maven/</url></mirror>
  </mirrors>
</settings>"""


def home_with(settings: str, folder: Path) -> Path:
    """A home folder with these settings of Maven."""
    (folder / ".m2").mkdir()
    (folder / ".m2" / "settings.xml").write_text(settings)
    return folder


def test_without_settings_it_is_maven_central(tmp_path: Path) -> None:
    """The local repository comes first in any case."""
    found = maven_access(env={}, home=tmp_path)

    assert found.folders == (tmp_path / ".m2" / "repository",)
    assert found.repositories == (Repository(url=CENTRAL),)


def test_the_mirror_of_central_is_taken_with_its_login(tmp_path: Path) -> None:
    """From settings.xml, with variables of the environment in it."""
    found = maven_access(env={"MAVEN_PASSWORD": "secret"}, home=home_with(SETTINGS, tmp_path))

    assert found.folders == (Path("/carried/repository"),)
    assert found.repositories == (Repository(url="https://mirror.example/maven", auth=("me", "secret")),)


def test_the_variable_wins_and_a_bundle_comes_first(tmp_path: Path) -> None:
    """SANDBOX_MAVEN_URL stands in for all repositories, the bundle is looked into first."""
    env = {"SANDBOX_MAVEN_URL": "https://x.example/m/"}

    found = maven_access(bundle=Path("/carried/bundle"), env=env, home=home_with(SETTINGS, tmp_path))

    assert found.folders[0] == Path("/carried/bundle/jars")
    assert found.repositories == (Repository(url="https://x.example/m"),)


def test_offline_there_are_folders_only(tmp_path: Path) -> None:
    """Nothing reaches for a network then."""
    assert maven_access(env={"SANDBOX_MAVEN_URL": "https://x.example"}, home=tmp_path, offline=True).repositories == ()


def test_broken_settings_are_an_error(tmp_path: Path) -> None:
    """The file is named."""
    with pytest.raises(ConfigurationError, match=r"settings\.xml cannot be read"):
        maven_access(env={}, home=home_with("<settings>", tmp_path))
