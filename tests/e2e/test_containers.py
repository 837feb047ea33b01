"""The sandbox on Docker: what only that backend can get right or wrong (Kind: kind/).

That DAGs, tables and clients work the same is the business of the matrix's cells, which run on every backend.
`SANDBOX_TEST_BACKENDS=docker nox -s e2e -- tests/e2e/test_containers.py` runs these.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from sandbox.matrix.provision import lacks
from tests.driver import Cli, copy_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

MARTS = "SELECT count(*) FROM projects.default.marts_posts_users"


def wanted(backend: str) -> str:
    """Why this run leaves the backend out; empty when it tests it."""
    asked = os.environ.get("SANDBOX_TEST_BACKENDS", "").split(",")
    if backend not in asked:
        return f"not asked for: SANDBOX_TEST_BACKENDS={backend} runs it, in minutes"
    return lacks(backend)


@pytest.fixture(scope="module")
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A sandbox on the backend that the test's module-wide parameter names; it has run the pipeline once."""
    backend = request.param
    if reason := wanted(backend):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("containers") / "data platform"
    cli = Cli(project=copy_project(folder), name=f"t{backend}", env={"SANDBOX_BACKEND": backend})
    try:
        cli("quickstart", timeout_seconds=1500)
        yield cli
    finally:
        cli("reset", expect=None)


on_docker = pytest.mark.parametrize("up", ["docker"], indirect=True)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def containers(cli: Cli) -> dict[str, str]:
    """The sandbox's containers by service, with what each publishes."""
    label = f"label=data-platform-sandbox.instance={cli.paths.instance_id}"
    form = '{{.Label "data-platform-sandbox.service"}}|{{.Ports}}'
    return dict(line.split("|", 1) for line in docker("ps", "--filter", label, "--format", form).splitlines())


@on_docker
class TestDocker:
    """The docker backend."""

    def test_ports_are_published_on_loopback_only(self, up: Cli) -> None:
        """Nobody else on the network reaches a service, and the database is not published at all."""
        published = containers(up)
        assert set(published) == {"airflow", "postgres", "s3", "databricks", "spark", "archive"}
        for service, ports in published.items():
            for each in ports.split(", "):
                assert "->" not in each or each.startswith("127.0.0.1:"), f"{service}: {ports}"
        assert "->" not in published["postgres"]

    def test_containers_are_unprivileged(self, up: Cli) -> None:
        """No container runs as root or keeps a capability."""
        for service in containers(up):
            name = f"sandbox-{up.name}-{service}-{up.paths.instance_id[:6]}"
            inspected = json.loads(docker("inspect", name))[0]
            assert not inspected["Config"]["User"].startswith("0"), service
            assert inspected["HostConfig"]["CapDrop"] == ["ALL"], service

    def test_everything_says_whose_it_is(self, up: Cli) -> None:
        """Containers, network and volumes carry the sandbox's labels; no Ryuk runs beside them."""
        label = f"label=data-platform-sandbox.instance={up.paths.instance_id}"
        state = '{{.Label "data-platform-sandbox.state"}}'

        for kind in (("ps", "--all"), ("network", "ls"), ("volume", "ls")):
            assert set(docker(*kind, "--filter", label, "--format", state).splitlines()) == {str(up.paths.root)}
        assert "ryuk" not in docker("ps", "--format", "{{.Image}}")

    def test_an_image_that_cannot_be_had_is_named(self, up: Cli) -> None:
        """With the setting that names it and the ways out, before anything that runs is touched."""
        before = up.started
        broken = Cli(
            project=up.project, name=up.name, env={**up.env, "SANDBOX_DOCKER_POSTGRES_IMAGE": "nosuch.invalid/pg:1"}
        )

        refused = broken("up", expect=4)

        assert "the image nosuch.invalid/pg:1 is not on this machine and cannot be pulled" in refused.err
        assert "docker.postgres_image" in refused.err
        assert up.started == before

    def test_moto_serves_s3_where_it_is_chosen(self, up: Cli) -> None:
        """The image of S3 then holds moto; it starts without LocalStack's words."""
        chosen = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_S3_IMPLEMENTATION": "moto"})

        chosen("up", timeout_seconds=1200)

        assert chosen("status", "--json").value["healthy"]
        up("up")
