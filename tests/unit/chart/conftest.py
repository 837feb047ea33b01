"""The chart with Airflow's official one inside it, rendered once per profile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from sandbox import credentials
from sandbox.backends import kind_release
from sandbox.backends.containers import contained, inside
from sandbox.backends.kind_cluster import NODE_PORTS
from sandbox.config import Config
from sandbox.images import Image
from sandbox.images.registry import IMAGES
from sandbox.paths import StatePaths
from sandbox.runtimes.store import cache_folder
from sandbox.services.spec import ServiceContext
from tests.unit.chart.rendered import CHART, HERE, Rendered, render

TEAM = HERE / "team.yaml"


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the chart that Helm can render."""
    if shutil.which("helm") is None:
        pytest.skip("helm is not on PATH: https://helm.sh/docs/intro/install/")
    [wanted] = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["dependencies"]
    archive = f"airflow-{wanted['version']}.tgz"
    source = Path(os.environ.get("SANDBOX_AIRFLOW_CHART") or cache_folder() / "charts" / archive)
    if not source.exists():
        pytest.skip(f"there is no {source}: SANDBOX_AIRFLOW_CHART names no folder or archive of Airflow's chart")
    folder = tmp_path_factory.mktemp("chart") / "chart"
    shutil.copytree(CHART, folder, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    (folder / "charts").mkdir()
    if source.is_dir():
        shutil.copytree(source, folder / "charts" / "airflow")
    else:
        shutil.copy2(source, folder / "charts" / archive)
    return folder


@pytest.fixture(scope="session")
def context() -> ServiceContext:
    """The services as they see each other in a sandbox on Kind. Its secrets are made anew for each run of the tests."""
    config = Config()
    outer = ServiceContext(
        config=config,
        paths=StatePaths(project=Path("/project"), name="default"),
        credentials=credentials.generate(),
        ports={name: 18000 + at for at, name in enumerate(NODE_PORTS)},
        interpreters={},
        runtime_keys={},
        tool_interpreter=Path("/python"),
        cache=Path("/cache"),
    )
    return inside(outer, lambda name: kind_release.API_SERVER if name == "airflow" else name)


@pytest.fixture(scope="session")
def tool_values(context: ServiceContext, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of values that `sandbox up` layers over the profile."""
    services = [contained(name, context) for name in kind_release.known_services()]
    images = {
        name: Image(name=name, reference=f"data-platform-sandbox/{name}:0123456789ab", id="sha256:0", size_bytes=1)
        for name in IMAGES
    }
    values = kind_release.values(context.config, services, images, context)
    path: Path = tmp_path_factory.mktemp("values") / "tool.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="session")
def kind(chart: Path, tool_values: Path) -> Rendered:
    """The profile of a sandbox, with what `sandbox up` layers over it."""
    done = render(chart, "kind", tool_values)
    assert done.returncode == 0, done.stderr
    return Rendered(text=done.stdout)


@pytest.fixture(scope="session")
def production(chart: Path) -> Rendered:
    """The profile of production with what a team adds to it, backup and metrics among it."""
    done = render(chart, "production", TEAM)
    assert done.returncode == 0, done.stderr
    return Rendered(text=done.stdout)


@pytest.fixture(params=["kind", "production"])
def rendered(request: pytest.FixtureRequest) -> Rendered:
    """Either of them."""
    found: Rendered = request.getfixturevalue(request.param)
    return found
