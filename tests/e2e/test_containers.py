"""The sandbox on Docker and on Kind: what only those backends can get right or wrong.

That DAGs, tables and clients work the same is the business of the matrix's cells, which run on every backend.
`SANDBOX_TEST_BACKENDS=docker,kind nox -s e2e -- tests/e2e/test_containers.py` runs these.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import health
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from sandbox.matrix.provision import lacks
from tests.driver import Cli, copy_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

MARTS = "SELECT count(*) FROM projects.default.marts_posts_users"
SLOW_DAG = """
import pendulum
from airflow.sdk import dag, task


@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1), catchup=False)
def {name}():
    @task(retries=2, retry_delay=pendulum.duration(seconds=1))
    def work():
        import socket, time
        print("MARK {mark} on", socket.gethostname(), flush=True)
        time.sleep({seconds})

    work()


{name}()
"""


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
on_kind = pytest.mark.parametrize("up", ["kind"], indirect=True)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def kubernetes(cli: Cli) -> Tools:
    return Tools(kubeconfig=cli.paths.root / "kubeconfig", namespace=cli.context.config.kind.namespace)


def eventually(complaint: Any, seconds: float = 120) -> None:
    health.wait_until(complaint, timeout_seconds=seconds, interval_seconds=0.5)


def containers(cli: Cli) -> dict[str, str]:
    """The sandbox's containers by service, with what each publishes."""
    label = f"label=data-platform-sandbox.instance={cli.paths.instance_id}"
    form = '{{.Label "data-platform-sandbox.service"}}|{{.Ports}}'
    return dict(line.split("|", 1) for line in docker("ps", "--filter", label, "--format", form).splitlines())


def write_dag(cli: Cli, name: str, mark: str, seconds: float) -> None:
    (cli.project / "dags" / f"{name}.py").write_text(SLOW_DAG.format(name=name, mark=mark, seconds=seconds))


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


@on_kind
class TestKind:
    """The kind backend."""

    def test_each_task_ran_in_a_pod_of_its_own(self, up: Cli) -> None:
        """The worker pods of the first run are kept by the setting, one for each task at least."""
        pods = kubernetes(up).get("pods", "--selector", "dag_id")
        tasks = {pod["metadata"]["labels"]["task_id"] for pod in pods}
        assert {"check_upstream", "ingest_archive", "publish_snapshot", "run_medallion"} <= tasks

    def test_ports_are_published_on_loopback_only(self, up: Cli) -> None:
        """Kind publishes the node's ports on 127.0.0.1."""
        label = f"label=io.x-k8s.kind.cluster=sandbox-{up.name}-{up.paths.instance_id[:6]}"
        for line in docker("ps", "--filter", label, "--format", "{{.Ports}}").splitlines():
            assert all(each.startswith("127.0.0.1:") for each in line.split(", ") if "->" in each), line

    def test_no_secret_stands_in_the_values_of_the_release(self, up: Cli) -> None:
        """Helm keeps the values of every revision: none of the generated secrets is among them."""
        found = kubernetes(up).run("helm", "get", "values", RELEASE, "--all", "--namespace", "data-platform")
        secrets = up.context.credentials
        for value in (
            secrets.airflow_password,
            secrets.fernet_key,
            secrets.database_password,
            secrets.databricks_token,
        ):
            assert value not in found

    def test_an_edited_dag_reaches_the_next_pod(self, up: Cli) -> None:
        """No image is built: the next worker pod runs the edited file, and its log outlives it."""
        write_dag(up, "edited", "first", 0)
        eventually(lambda: "" if up.airflow.dag("edited") else "not parsed yet")
        up("run", "edited")
        write_dag(up, "edited", "second", 0)
        result = up("run", "edited", "--json").value
        assert result["state"] == "success"
        tools = kubernetes(up)
        pods = tools.get("pods", "--selector", "dag_id=edited")
        newest = max(pods, key=lambda pod: pod["metadata"]["creationTimestamp"])["metadata"]["name"]
        assert "MARK second" in tools.kubectl("logs", newest)
        tools.kubectl("delete", "pod", newest)
        run_id = result["dag_runs"][0]["run_id"]
        assert "MARK second" in "\n".join(up.airflow.log_lines("edited", run_id, "work", 1))

    def test_a_killed_worker_pod_is_retried(self, up: Cli) -> None:
        """The task's second try succeeds in another pod."""
        write_dag(up, "killed", "try", 20)
        eventually(lambda: "" if up.airflow.dag("killed") else "not parsed yet")
        process = up.start("run", "killed", "--json")
        tools = kubernetes(up)

        def running() -> str:
            found = [
                pod for pod in tools.get("pods", "--selector", "dag_id=killed") if pod["status"]["phase"] == "Running"
            ]
            return "" if found else "no worker pod runs yet"

        eventually(running)
        tools.kubectl("delete", "pod", "--selector", "dag_id=killed", "--grace-period=0", "--force")
        out, err = process.communicate(timeout=400)
        assert process.returncode == 0, f"{out}\n{err}"
        [task] = json.loads(out)["dag_runs"][0]["tasks"]
        assert task["state"] == "success"

    def test_an_upgrade_loses_no_running_task_and_no_login(self, up: Cli) -> None:
        """A task that runs while the release is upgraded ends well; the token that was made before still holds."""
        write_dag(up, "upgraded", "long", 45)
        eventually(lambda: "" if up.airflow.dag("upgraded") else "not parsed yet")
        client = up.airflow
        process = up.start("run", "upgraded", "--json")
        tools = kubernetes(up)
        eventually(lambda: "" if tools.get("pods", "--selector", "dag_id=upgraded") else "no worker pod yet")
        changed = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_KIND_DELETE_WORKER_PODS": "true"})
        changed("up")
        assert client.dag("upgraded") is not None
        out, err = process.communicate(timeout=400)
        assert process.returncode == 0, f"{out}\n{err}"
        up("up")

    def test_a_deleted_database_pod_keeps_the_history(self, up: Cli) -> None:
        """The volume outlives its pod."""
        tools = kubernetes(up)
        tools.kubectl("delete", "pod", "postgres-0", "--grace-period=0", "--force")
        eventually(lambda: "" if up("status", expect=None).code == 0 else "not healthy yet", 240)
        assert up.airflow.dag_runs("produce_data_asset")

    def test_the_database_is_backed_up_and_restored(self, up: Cli) -> None:
        """What was deleted after the backup is there again after the restore."""
        tools = kubernetes(up)
        tools.kubectl("create", "job", "--from=cronjob/database-backup", "backup-test")
        tools.kubectl("wait", "--for=condition=complete", "job/backup-test", "--timeout=180s")
        assert [item.key for item in up.bucket("data-platform").objects.filter(Prefix="backups/metadata/")]
        tools.kubectl(
            "exec",
            "postgres-0",
            "--",
            "psql",
            "-h",
            "127.0.0.1",
            "-U",
            "airflow",
            "-c",
            "DELETE FROM dag_run",
            check=False,
        )
        begun = time.monotonic()
        tools.kubectl("create", "job", "--from=cronjob/database-restore", "restore-test")
        tools.kubectl("wait", "--for=condition=complete", "job/restore-test", "--timeout=180s")
        print(f"restored in {time.monotonic() - begun:.1f} s")
        eventually(lambda: "" if up.airflow.dag_runs("produce_data_asset") else "no dag_runs yet")

    def test_another_version_of_the_chart_is_refused(self, up: Cli) -> None:
        """The archive that is named holds 1.18.0: nothing is installed, and the running sandbox stays as it is."""
        if "SANDBOX_AIRFLOW_CHART" not in os.environ:
            pytest.skip("SANDBOX_AIRFLOW_CHART names no chart: there is nothing to be of another version")
        broken = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_AIRFLOW_CHART_VERSION": "9.9.9"})
        assert "is not Airflow's chart 9.9.9" in broken("up", expect=4).err
        up("status")

    def test_a_crashing_pod_ends_up_early(self, up: Cli) -> None:
        """`up` names the pod and shows the end of its log, long before the time-out; a further `up` mends it."""
        broken = {**up.env, "SANDBOX_AIRFLOW_LAUNCHER": "prefork"}
        settings = (up.project / "sandbox.toml").read_text()
        (up.project / "sandbox.toml").write_text(
            settings.replace("[airflow.config]", '[airflow.config]\n"core.auth_manager" = "no.such.Manager"')
        )
        refused = Cli(project=up.project, name=up.name, env=broken)("up", expect=5)
        assert "crashes: container" in refused.err
        assert "no.such" in refused.err
        (up.project / "sandbox.toml").write_text(settings)
        up("up")

    def test_stopped_nodes_come_back_with_everything(self, up: Cli) -> None:
        """`down` frees memory and ports, the next `up` finds tables and history."""
        rows = up.rows(MARTS)
        up("down")
        assert "Up" not in docker("ps", "--filter", f"name=sandbox-{up.name}-{up.paths.instance_id[:6]}")
        up("up")
        assert up.rows(MARTS) == rows
        assert up.airflow.dag_runs("produce_data_asset")


def test_another_backend_is_refused_while_one_is_up(tmp_path: Path) -> None:
    """The tables are there, so the command says what to do instead of starting a second, empty sandbox."""
    if reason := wanted("docker"):
        pytest.skip(reason)
    cli = Cli(project=copy_project(tmp_path / "p"), name="one")
    cli("up")
    try:
        refused = cli("up", "--backend", "docker", expect=2)
        assert "is up on the process backend" in refused.err
    finally:
        cli("reset")
