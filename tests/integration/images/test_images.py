"""The container images as they are built: nothing twice, nothing left over, nobody's root, and through a bundle."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import images
from sandbox.config import load
from sandbox.config.model import Config
from sandbox.images import Image, bundled
from sandbox.images.docker import inspect_image
from sandbox.images.registry import IMAGES
from sandbox.progress import Silent
from sandbox.runtimes.bundle import Bundle
from tests.driver import copy_project
from tests.places import docker, not_here

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("backend docker")]
LEFT_OVER = (
    r"find / -xdev -type f \( -name '*.whl' -o -name '*.deb' -o -path '/var/lib/apt/lists/*' -o -path '*/.cache/*' "
    r"-o -path '/tmp/*' -o -path '/root/.local/*' \)"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in a repository with one commit; skipped where Docker is left out."""
    if reason := not_here("docker"):
        pytest.skip(reason)
    folder = copy_project(tmp_path_factory.mktemp("images") / "project")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        subprocess.run(["git", "-C", str(folder), *identity, *words], check=True)
    return folder


@pytest.fixture(scope="module")
def config(project: Path) -> Config:
    """The project's settings, with this machine's base images."""
    return load(project, os.environ).config


@pytest.fixture(scope="module")
def built(project: Path, config: Config) -> dict[str, Image]:
    """All images, built where they are not there yet."""
    return images.build(tuple(IMAGES), config, project, progress=Silent())


def test_an_unchanged_input_builds_nothing(built: dict[str, Image], project: Path, config: Config) -> None:
    """The second build finds every image by its tag, whose digits are those of the content."""
    again = images.build(tuple(IMAGES), config, project, progress=Silent())

    assert again == built


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_clean_and_unprivileged(built: dict[str, Image], name: str) -> None:
    """It runs as uid 50000, says of which revision it is, and no wheel, package list or cache is in it."""
    reference = built[name].reference
    known = inspect_image(reference)
    assert known is not None

    found = docker("run", "--rm", "--user", "0", "--entrypoint", "sh", reference, "-c", LEFT_OVER)
    identity = docker("run", "--rm", "--entrypoint", "id", reference)

    assert found == ""
    assert "uid=50000" in identity
    assert "gid=0" in identity
    assert known["Config"]["Labels"]["org.opencontainers.image.revision"]


def test_the_project_is_the_last_layer(built: dict[str, Image], project: Path, config: Config) -> None:
    """An edited DAG makes another tag on the same layers; the label says that it was not committed."""
    first = images.build(["workspace"], config, project, release=True, progress=Silent())["workspace"]
    dag = project / "dags" / "produce_data_asset.py"
    dag.write_text(dag.read_text() + "\n# edited\n")
    second = images.build(["workspace"], config, project, release=True, progress=Silent())["workspace"]

    layers = [_layers(each.reference) for each in (built["workspace"], first, second)]
    held = docker("run", "--rm", "--entrypoint", "cat", second.reference, "/sandbox/project/dags/produce_data_asset.py")
    labels = [
        json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", each.reference)) for each in (first, second)
    ]
    docker("rmi", first.reference, second.reference)

    assert first.tag != second.tag
    assert layers[1][:-1] == layers[2][:-1] == layers[0]
    assert held == dag.read_text()
    assert "-dirty" not in labels[0]["org.opencontainers.image.revision"]
    assert labels[1]["org.opencontainers.image.revision"].endswith("-dirty")


def _layers(reference: str) -> list[str]:
    known = inspect_image(reference)
    assert known is not None
    layers: list[str] = known["RootFS"]["Layers"]
    return layers


@pytest.fixture
def tiny() -> Iterator[str]:
    """An image of one empty layer."""
    reference = f"sandbox-test/{uuid.uuid4().hex[:8]}:1"
    subprocess.run(["docker", "import", "-", reference], input=bytes(10240), check=True, capture_output=True)
    yield reference
    docker("rmi", "--force", reference, check=False)


def test_an_image_travels_in_a_bundle(
    project: Path, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved on one machine, it is loaded on another one that lacks it, without a registry."""
    known = inspect_image(tiny)
    assert known is not None
    bundle = bundled.save(Bundle(folder=tmp_path), [tiny], Silent())
    docker("rmi", tiny)
    monkeypatch.setenv("SANDBOX_BUNDLE", str(tmp_path))

    provided = images.provide(tiny, setting="docker.postgres_image")

    assert provided["Id"] == known["Id"]
    assert bundle.images[tiny].id == known["Id"]
