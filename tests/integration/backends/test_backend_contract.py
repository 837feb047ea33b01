"""docs/backend-contract.md, number by number, on every backend; what differs between them is in tests/places.py."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import health
from sandbox.backends import BACKENDS, Capability
from tests.driver import Cli, copy_project
from tests.places import PLACES, Place, listeners, not_here
from tests.truth import of_archive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TABLES = "projects.default"
PATIENCE_SECONDS = 240.0
SMALL = {"SANDBOX_ARCHIVE_SAMPLE_POSTS": "300", "SANDBOX_ARCHIVE_SAMPLE_USERS": "100"}
BROKEN_AIRFLOW = {"SANDBOX_AIRFLOW_CONFIG": json.dumps({"core.auth_manager": "no.such.Manager"})}
FRESH_DAG = 'from airflow.sdk import dag\n\n\n@dag(tags=["{tag}"])\ndef {name}(): ...\n\n\n{name}()\n'


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(f"backend {name}")) for name in BACKENDS],
)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn; skipped with the reason where this run or this machine leaves it out."""
    name: str = request.param
    if reason := not_here(name):
        pytest.skip(reason)
    return name


@pytest.fixture(scope="module")
def place(backend: str) -> Place:
    """How a test reaches behind the sandbox."""
    return PLACES[backend]


@pytest.fixture(scope="module")
def cli(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line in a project of its own, in a folder with spaces; whatever it started is deleted afterwards."""
    folder = tmp_path_factory.mktemp("backend contract") / "data platform"
    cli = Cli(project=copy_project(folder), name=f"c-{backend}", env={"SANDBOX_BACKEND": backend, **SMALL})
    yield cli
    cli("reset", expect=None)


@pytest.fixture
def up(cli: Cli) -> Cli:
    """A sandbox that is up and healthy, whatever the test before it did."""
    if cli("status", expect=None).code != 0:
        cli("up", timeout_seconds=1500)
    return cli


@pytest.fixture(scope="module")
def first_run(cli: Cli) -> dict[str, Any]:
    """The pipeline has run once."""
    cli("up", timeout_seconds=1500)
    value: dict[str, Any] = cli("run", "--json").value
    return value


@pytest.fixture
def another(cli: Cli, backend: str) -> Iterator[Callable[..., Cli]]:
    """Makes a second sandbox of the same project, with other settings; deleted afterwards."""
    made: list[Cli] = []

    def make(**env: str) -> Cli:
        name = f"o{len(made)}-{backend}"
        made.append(Cli(project=cli.project, name=name, env={"SANDBOX_BACKEND": backend, **SMALL, **env}))
        return made[-1]

    yield make
    for each in made:
        each("reset", expect=None)


def needs(backend: str, capability: Capability) -> None:
    """Skip where the backend lacks it."""
    if capability not in BACKENDS[backend].CAPABILITIES:
        pytest.skip(f"the {backend} backend is without {capability}: docs/backend-contract.md#capabilities")


def eventually(complaint: Callable[[], str], seconds: float = PATIENCE_SECONDS) -> None:
    health.wait_until(complaint, timeout_seconds=seconds, interval_seconds=0.25)


def unhealthy(cli: Cli) -> str:
    """What `status` complains about; empty when all is well."""
    services = cli.status()["services"]
    return "; ".join(f"{each['name']}: {each['detail']}" for each in services if not each["healthy"])


def addresses(cli: Cli) -> dict[str, int]:
    return dict(cli.context.ports)


def test_every_service_answers_at_its_address(up: Cli) -> None:
    """B1: everything that is enabled is healthy, at addresses of this machine alone."""
    status = up.status()

    assert status["healthy"] is True
    assert {"airflow", "postgres", "s3", "databricks", "spark", "archive"} <= {
        each["name"] for each in status["services"]
    }
    for service in status["services"]:
        if service["name"] in up.context.ports:
            assert f"//127.0.0.1:{up.context.ports[service['name']]}" in service["url"]
    assert listeners_beyond_loopback(addresses(up)) == []


def listeners_beyond_loopback(ports: dict[str, int]) -> list[str]:
    """The services that answer at another address of this machine than 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; names the address that this machine has outwards
        except OSError:
            return []  # it has none
        outward = probe.getsockname()[0]
    found = []
    for name, port in ports.items():
        with socket.socket() as connection:
            connection.settimeout(2)
            if connection.connect_ex((outward, port)) == 0:
                found.append(f"{name} at {outward}:{port}")
    return found


def test_a_second_up_restarts_nothing(up: Cli) -> None:
    """B2: what runs and answers is left as it is."""
    before = up.started

    up("up")

    assert up.started == before


def test_status_keeps_its_contract(up: Cli, backend: str) -> None:
    """B3: the fields that outside checks read are there, on each backend."""
    status = up("status", "--json").value

    assert (status["schema"], status["name"], status["backend"], status["healthy"]) == (1, up.name, backend, True)
    where = {"process": "pid", "docker": "container", "kind": "pod"}[backend]
    for service in status["services"]:
        assert {"name", "healthy", "url", "detail", "started"} <= service.keys()
        assert service[where]
        assert service["started"]
    assert Path(status["credentials_file"]).stat().st_mode & 0o777 == 0o600


def test_env_is_enough_for_other_tools(up: Cli) -> None:
    """B4: boto3 and plain HTTP clients need nothing but what `env` prints."""
    env = up("env", "--json").value
    bucket = up.bucket("data-platform")

    bucket.put_object(Key="contract/hello", Body=b"hello")
    dags = httpx.get(
        f"{env['AIRFLOW_API_URL']}/dags", headers={"Authorization": f"Bearer {env['AIRFLOW_API_TOKEN']}"}
    ).json()
    jobs = httpx.get(
        f"{env['DATABRICKS_HOST']}/api/2.2/jobs/list", headers={"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"}
    ).json()

    assert bucket.Object("contract/hello").get()["Body"].read() == b"hello"
    assert "produce_data_asset" in [dag["dag_id"] for dag in dags["dags"]]
    assert [job["settings"]["name"] for job in jobs["jobs"]] == ["medallion"]
    assert httpx.get(f"{env['ARCHIVE_URL']}/health").status_code == 200
    assert env["SPARK_REMOTE"].startswith("sc://127.0.0.1:")


def test_the_pipeline_runs(cli: Cli, first_run: dict[str, Any]) -> None:
    """B5: the tables hold what the archive holds."""
    truth = of_archive(cli.paths.archives / "sample.stackexchange.com.7z")

    assert first_run["state"] == "success"
    assert cli.rows(f"SELECT count(*) FROM {TABLES}.raw_posts") == [[truth.posts]]
    assert dict(cli.rows(f"SELECT tag_exploded, tags_count FROM {TABLES}.marts_top_tags")) == truth.tags


def test_every_service_has_a_log(up: Cli) -> None:
    """B6: each is named, those that say something are shown, and `--follow` goes on."""
    names = {service["name"] for service in up.status()["services"]}

    for name in sorted(names):
        up("logs", name, "--lines", "5")
    shown = up("logs", "--json", "--lines", "20").value["logs"]
    with up.start("logs", "airflow", "--follow", "--lines", "1") as following:
        lines, reader = _lines_of(following)
        try:
            lines.get(timeout=60)
            up.airflow.dags()
            lines.get(timeout=PATIENCE_SECONDS)
        finally:
            following.terminate()
            reader.join(timeout=30)

    assert any("airflow" in title and printed for title, printed in shown.items())
    assert "there is no service 'nope'" in up("logs", "nope", expect=3).err


def _lines_of(process: Any) -> tuple[queue.Queue[str], threading.Thread]:
    """What a process prints, line by line, without waiting for it; and the thread that reads it to its end."""
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            found.put(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return found, reader


def test_an_edited_dag_is_read_as_it_is(up: Cli) -> None:
    """B7: no image, no upload, no restart."""
    file = up.project / "dags" / "freshly_written.py"
    before = up.started["airflow"]

    for tag in ("first", "second"):
        file.write_text(FRESH_DAG.format(name="freshly_written", tag=tag))
        _wait_for_tag(up, tag)

    file.unlink()
    assert up.started["airflow"] == before


def _wait_for_tag(cli: Cli, tag: str) -> None:
    eventually(lambda: "" if tag in _tags(cli, "freshly_written") else f"without the tag {tag}", 90)


def _tags(cli: Cli, dag_id: str) -> list[str]:
    dag = cli.airflow.dag(dag_id)
    return [tag["name"] for tag in dag["tags"]] if dag else []


def test_reload_restarts_what_it_is_told(up: Cli) -> None:
    """B8: the named service alone is another process afterwards."""
    before = up.started

    value = up("reload", "archive", "--json").value

    after = up.started
    assert value["healthy"] is True
    assert [name for name in before if before[name] != after[name]] == ["archive"]
    assert "there is no service 'nope'" in up("reload", "nope", expect=3).err


def test_a_changed_setting_restarts_what_it_is_about(up: Cli) -> None:
    """B9: a setting of Airflow's restarts Airflow; everything else runs on."""
    settings = up.project / "sandbox.toml"
    original = settings.read_text()
    before = up.started

    settings.write_text(original.replace("[airflow.config]", '[airflow.config]\n"core.max_map_length" = "1023"'))
    up("reload")
    after = up.started
    settings.write_text(original)

    assert [name for name in before if before[name] != after[name]] == ["airflow"]
    assert unhealthy(up) == ""


@pytest.mark.parametrize("service", ["archive", "databricks"])
def test_a_killed_service_comes_back(up: Cli, place: Place, first_run: dict[str, Any], service: str) -> None:
    """B10: no command is needed, and nothing that was accepted is lost."""
    before = up.started[service]
    rows = up.rows(f"SELECT count(*) FROM {TABLES}.marts_top_tags")

    place.crash(up, service)

    eventually(lambda: "" if up.started[service] not in (None, before) else f"{service} is the old one")
    eventually(lambda: unhealthy(up))
    assert up.rows(f"SELECT count(*) FROM {TABLES}.marts_top_tags") == rows


@pytest.mark.parametrize("service", ["postgres", "databricks"])
def test_what_is_gone_is_named_and_repaired(up: Cli, place: Place, first_run: dict[str, Any], service: str) -> None:
    """B11: `status` ends with 5 and names it; after `up` tables and history are what they were."""
    rows = up.rows(f"SELECT count(*) FROM {TABLES}.marts_top_tags")
    runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}

    place.remove(up, service)
    eventually(lambda: "" if service in up("status", expect=None).err else f"{service} is not missed yet", 60)
    named = up("status", expect=5)
    up("up")

    assert service in named.err
    assert "sandbox up    (repairs what is broken)" in named.err
    assert unhealthy(up) == ""
    assert up.rows(f"SELECT count(*) FROM {TABLES}.marts_top_tags") == rows
    assert runs <= {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}


def test_a_service_that_cannot_start_is_named_early(up: Cli) -> None:
    """B12: the end of its log says why, the time-out was not waited for, and the next `up` mends it."""
    broken = Cli(project=up.project, name=up.name, env={**up.env, **BROKEN_AIRFLOW, "SANDBOX_LIMITS_UP_SECONDS": "900"})

    failed = broken("up", expect=5, timeout_seconds=600)
    others = {each["name"]: each["healthy"] for each in up.status()["services"]}
    up("up")

    assert "no.such" in failed.err
    assert "irflow" in failed.err
    assert "next: " in failed.err
    assert others["s3"]
    assert others["databricks"]
    assert unhealthy(up) == ""


def test_a_failed_start_is_taken_back(another: Callable[..., Cli], place: Place, backend: str) -> None:
    """B13: from nothing, an `up` that fails leaves nothing that runs."""
    broken = another(**BROKEN_AIRFLOW)

    failed = broken("up", expect=5, timeout_seconds=1500)

    assert "no.such" in failed.err
    assert place.running(broken) == []
    assert "is not up" in broken("status", expect=5).err


def test_a_killed_up_is_cleaned_up_by_down(another: Callable[..., Cli], place: Place) -> None:
    """B14: nothing depends on the process that started the services."""
    cli = another()
    process = cli.start("up")
    eventually(lambda: "" if place.running(cli) else "nothing runs yet")
    process.send_signal(signal.SIGKILL)
    process.communicate()

    cli("down", timeout_seconds=300)

    assert place.running(cli) == []


def test_a_busy_port_that_was_asked_for_is_refused(another: Callable[..., Cli], place: Place) -> None:
    """B15: the message names the port, the setting and the holder; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        cli = another(SANDBOX_S3_PORT=str(port))
        refused = cli("up", expect=2, timeout_seconds=300)

    assert f"port {port} of S3 (s3.port) is busy" in refused.err
    assert f"(pid {os.getpid()})" in refused.err
    assert "is stopped again" not in refused.err
    assert place.left(cli) == []


@pytest.mark.parametrize("service", ["airflow", "databricks"])
def test_a_port_that_is_taken_meanwhile_is_replaced(another: Callable[..., Cli], service: str) -> None:
    """B15: another program is faster at a port that `up` has chosen: the sandbox comes up on another and says so."""
    cli = another()
    chosen = cli.paths.root / "ports.json"
    process = cli.start("up")
    health.wait_until(
        lambda: "" if chosen.exists() else "no port is chosen yet",
        timeout_seconds=PATIENCE_SECONDS,
        interval_seconds=0.005,
    )
    port = json.loads(chosen.read_text())[service]
    with socket.create_server(("127.0.0.1", port)):
        out, err = process.communicate(timeout=1500)

    assert process.returncode == 0, (out, err)
    assert "another program took a port while the sandbox started" in err
    assert cli.context.ports[service] != port
    assert f"is on port {cli.context.ports[service]}: " in err
    assert unhealthy(cli) == ""


@pytest.mark.parametrize("service", ["archive", "databricks"])
def test_a_port_can_be_moved(up: Cli, backend: str, service: str) -> None:
    """B9, B15: a running sandbox's service goes to the port that is asked for now."""
    needs(backend, Capability.MOVABLE_PORTS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    moved = Cli(project=up.project, name=up.name, env={**up.env, f"SANDBOX_{service.upper()}_PORT": str(port)})

    moved("up")

    assert addresses(up)[service] == port
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_another_sandbox_is_not_touched(up: Cli, another: Callable[..., Cli]) -> None:
    """B16: taking down a sandbox that has another name leaves this one as it was."""
    before = up.started
    other = another()

    other("down")
    other("reset")

    assert up.started == before


def test_a_second_backend_is_refused(up: Cli, backend: str) -> None:
    """B17: the tables are here, so it says what to do instead of starting an empty sandbox."""
    second = "docker" if backend == "process" else "process"

    refused = up("up", "--backend", second, expect=2)

    assert f"is up on the {backend} backend, not on {second}" in refused.err
    assert unhealthy(up) == ""


def test_no_secret_is_printed(up: Cli, first_run: dict[str, Any]) -> None:
    """B18: neither by what shows the sandbox nor by the services' logs."""
    secrets = json.loads(up.paths.credentials_file.read_text())
    names = ("airflow_password", "fernet_key", "jwt_secret", "api_secret_key", "database_password", "databricks_token")

    printed = [up(*words) for words in (("status",), ("plan",), ("config",), ("logs", "--lines", "2000"))]

    for name in names:
        assert not [each for each in printed if secrets[name] in each.out + each.err], name


def test_the_machine_has_what_it_takes(up: Cli, backend: str) -> None:
    """B21: where the sandbox runs, `doctor` is content, and names the versions of what the backend needs."""
    findings = {each["name"]: each for each in up("doctor", "--backend", backend, "--json").value["findings"]}

    assert [name for name, each in findings.items() if not each["ok"]] == []
    assert backend == "process" or findings["docker"]["detail"].startswith("Docker ")


def test_data_survives_down(up: Cli, place: Place, backend: str, first_run: dict[str, Any]) -> None:
    """B19, B20: nothing runs in between; afterwards tables, histories and the password are what they were."""
    rows = up.rows(f"SELECT count(*) FROM {TABLES}.marts_top_tags")
    runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
    password = up("env", "--password").out
    job_run = first_run["job_runs"][0]["job_run_id"]
    ports = addresses(up)

    begun = time.time()
    up("down")

    assert place.running(up) == []
    assert listeners(ports.values(), before=begun) == []
    assert up("down").code == 0
    assert f"error: sandbox {up.name} is not up" in up("status", expect=5).err
    for words in (("env",), ("sql", "SELECT 1"), ("run",), ("reload",)):
        assert f"sandbox {up.name} is not up" in up(*words, expect=5).err
    up("up", timeout_seconds=1500)
    assert up.rows(f"SELECT count(*) FROM {TABLES}.marts_top_tags") == rows
    assert runs <= {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
    assert _job_run_state(up, job_run) == "SUCCESS"
    assert up("env", "--password").out == password


def _job_run_state(cli: Cli, job_run_id: int) -> str:
    env = cli("env", "--json").value
    answer = httpx.get(
        f"{env['DATABRICKS_HOST']}/api/2.2/jobs/runs/get",
        params={"run_id": job_run_id},
        headers={"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"},
    )
    return str(answer.raise_for_status().json()["state"]["result_state"])


def test_logs_after_down(up: Cli, backend: str) -> None:
    """B6, B19: where logs are files they outlive the services; elsewhere `logs` says that the sandbox is not up."""
    up("down")

    if Capability.LOGS_OUTLIVE_DOWN in BACKENDS[backend].CAPABILITIES:
        assert up("logs", "airflow").out
    else:
        assert f"sandbox {up.name} is not up" in up("logs", "airflow", expect=5).err


def test_reset_leaves_nothing(up: Cli, place: Place) -> None:
    """B22: no process, container, network, volume or node, and no folder."""
    up("reset")

    assert place.left(up) == []
    assert not up.paths.root.exists()
    assert f"sandbox {up.name} is not up" in up("status", expect=5).err
