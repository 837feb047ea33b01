"""What only Kubernetes can get right or wrong, drilled on one Kind cluster: pods die, releases change, the disk of the
database outlives its pod, the network is closed.

`SANDBOX_TEST_BACKENDS=kind nox -s e2e -- tests/e2e/test_kind.py` runs these: some minutes for the cluster, then up
to a minute each. The times that the drills took are printed (`-rP`) and kept in the JUnit report as properties.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox import follow, health
from sandbox.backends import kind_cluster, kind_wait
from sandbox.backends.kind_cluster import cluster_name
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from sandbox.console import Terminal
from sandbox.errors import SandboxError
from sandbox.matrix.provision import lacks
from tests.driver import Cli, copy_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("kind")]

Keep = Callable[[str, object], None]

MARTS = "SELECT count(*) FROM projects.default.marts_posts_users"
DAG = """
import pendulum
from airflow.sdk import dag, task


@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1), catchup=False, description="{mark}")
def {name}():
    @task(retries=2, retry_delay=pendulum.duration(seconds=1))
    def work():
        import socket, time
        print("MARK {mark} on", socket.gethostname(), flush=True)
        time.sleep({seconds})

    work()


{name}()
"""
CONNECTS = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
except OSError as error:
    print("closed:", error)
else:
    print("open")
"""
LISTENS = "import socket; s = socket.create_server(('0.0.0.0', 8000))\nwhile True: s.accept()[0].close()"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A sandbox on kind; it has run the pipeline once. Its cluster is deleted afterwards."""
    if "kind" not in os.environ.get("SANDBOX_TEST_BACKENDS", "").split(","):
        pytest.skip("not asked for: SANDBOX_TEST_BACKENDS=kind runs it, in minutes")
    if reason := lacks("kind"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("kind") / "data platform"
    cli = Cli(project=copy_project(folder), name="tkind", env={"SANDBOX_BACKEND": "kind"})
    try:
        cli("quickstart", timeout_seconds=1500)
        yield cli
    finally:
        cli("reset", expect=None)


@pytest.fixture
def tools(up: Cli) -> Tools:
    """The tools, aimed at the sandbox's cluster."""
    return tools_of(up)


@pytest.fixture
def keep(record_property: Callable[[str, object], None]) -> Keep:
    """Say what a drill took, in the report and on the terminal."""

    def said(what: str, value: object) -> None:
        record_property(what, value)
        print(f"{what}: {value}")

    return said


def tools_of(cli: Cli) -> Tools:
    return Tools(
        kubeconfig=cli.paths.root / "kubeconfig",
        namespace=cli.context.config.kind.namespace,
        context=f"kind-{cluster_name(cli.paths)}",
    )


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def eventually(complaint: Callable[[], str], seconds: float = 120) -> float:
    """Seconds until there is no complaint any more."""
    begun = time.monotonic()
    health.wait_until(complaint, timeout_seconds=seconds, interval_seconds=0.1)
    return time.monotonic() - begun


def write_dag(cli: Cli, name: str, mark: str, seconds: float = 0) -> None:
    (cli.project / "dags" / f"{name}.py").write_text(DAG.format(name=name, mark=mark, seconds=seconds))


def with_dag(cli: Cli, name: str, mark: str, seconds: float = 0) -> None:
    """Write a DAG and wait until Airflow knows it and would run it."""
    write_dag(cli, name, mark, seconds)
    eventually(lambda: "" if (cli.airflow.dag(name) or {}).get("description") == mark else f"{name} is not parsed yet")
    follow.prepare(cli.airflow, name)


def pods_of(tools: Tools, dag_id: str, phase: str = "") -> list[dict[str, Any]]:
    found = tools.get("pods", "--selector", f"dag_id={dag_id}")
    return [pod for pod in found if phase in ("", pod["status"]["phase"])]


def running_task(up: Cli, tools: Tools, name: str, seconds: float) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A `sandbox run` whose task runs in a pod now, and that pod."""
    with_dag(up, name, "long", seconds)
    process = up.start("run", name, "--json")
    eventually(lambda: "" if pods_of(tools, name, "Running") else "no worker pod runs yet")
    (pod,) = pods_of(tools, name, "Running")
    return process, pod


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a `sandbox run` printed at its end, which must be a good one."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, f"{out}\n{err}"
    value: dict[str, Any] = json.loads(out)
    return value


class TestTasks:
    """Worker pods."""

    def test_each_task_ran_in_a_pod_of_its_own(self, tools: Tools) -> None:
        """The worker pods of the first run are kept by the setting: one for each try of each task."""
        pods = [pod["metadata"] for pod in tools.get("pods", "--selector", "dag_id")]
        tries = {(pod["labels"]["task_id"], pod["annotations"]["run_id"], pod["labels"]["try_number"]) for pod in pods}

        assert {"check_upstream", "ingest_archive", "publish_snapshot", "run_medallion"} <= {task for task, *_ in tries}
        assert len(pods) >= len(tries)

    def test_a_task_runs_seconds_after_its_trigger(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """The pod is made, scheduled and started; its time is told, for the benchmarks hold it against others."""
        with_dag(up, "quick", "now")
        begun = time.monotonic()
        run_id = up.airflow.trigger("quick", {})
        eventually(lambda: "" if up.airflow.task_instances("quick", run_id)[0]["start_date"] else "not started")
        keep("seconds from trigger to the first task running", round(time.monotonic() - begun, 1))

        eventually(lambda: "" if up.airflow.dag_run("quick", run_id)["state"] == "success" else "runs")
        assert len(pods_of(tools, "quick")) == 1

    def test_an_edited_dag_is_what_the_next_pod_runs(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """A run that is triggered right after the edit executes it; Airflow shows it in seconds; no image is built."""
        with_dag(up, "edited", "first")
        images = set(docker("images", "--quiet", "--no-trunc").split())

        write_dag(up, "edited", "second")
        begun = time.monotonic()
        run_id = up.airflow.trigger("edited", {})
        shown = eventually(lambda: "" if (up.airflow.dag("edited") or {})["description"] == "second" else "old", 30)
        eventually(lambda: "" if up.airflow.dag_run("edited", run_id)["state"] == "success" else "runs")
        keep("seconds from the edit to Airflow showing it", round(shown, 1))
        keep("seconds from the edit to the end of its run", round(time.monotonic() - begun, 1))

        (pod,) = pods_of(tools, "edited")
        assert "MARK second" in tools.kubectl("logs", pod["metadata"]["name"])
        assert set(docker("images", "--quiet", "--no-trunc").split()) == images

    def test_the_log_of_a_task_outlives_its_pod(self, up: Cli, tools: Tools) -> None:
        """Airflow shows it from S3 after the pod is gone."""
        with_dag(up, "logged", "kept")
        result = up("run", "logged", "--json").value
        # the log is sent when the task has told its state
        eventually(lambda: "" if pods_of(tools, "logged", "Succeeded") else "the pod runs")
        tools.kubectl("delete", "pod", "--selector", "dag_id=logged", "--wait=true")

        log = "\n".join(up.airflow.log_lines("logged", result["dag_runs"][0]["run_id"], "work", 1))
        assert "MARK kept" in log
        assert pods_of(tools, "logged") == []

    def test_a_killed_worker_pod_is_retried(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """The task's second try succeeds in another pod."""
        process, pod = running_task(up, tools, "killed", 15)
        name = pod["metadata"]["name"]
        tools.kubectl("delete", "pod", name, "--grace-period=0", "--force")
        begun = time.monotonic()
        eventually(lambda: "" if pods_of(tools, "killed", "Running") else "no second try yet", 240)
        keep("seconds from the kill to the second try running", round(time.monotonic() - begun, 1))

        [task] = ended(process)["dag_runs"][0]["tasks"]
        assert task["state"] == "success"
        assert name not in [other["metadata"]["name"] for other in pods_of(tools, "killed")]

    def test_finished_pods_are_deleted_where_that_is_set(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """`kind.delete_worker_pods` works: a pod goes when its task is done. Back to the default afterwards."""
        changed = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_KIND_DELETE_WORKER_PODS": "true"})
        begun = time.monotonic()
        changed("up")
        keep("seconds of a redeploy with a changed setting", round(time.monotonic() - begun, 1))
        with_dag(up, "swept", "gone")
        up("run", "swept")
        eventually(lambda: "the pod is there" if pods_of(tools, "swept") else "")
        assert pods_of(tools, "swept") == []

        up("up")


class TestReleases:
    """`helm upgrade` below running tasks."""

    def test_an_upgrade_of_values_loses_no_task_and_no_login(self, up: Cli, tools: Tools) -> None:
        """A task that runs meanwhile ends well in its pod; a token from before still holds, as does the password."""
        client = up.airflow
        password = up("env", "--password").out
        process, pod = running_task(up, tools, "upgraded", 60)
        changed = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_KIND_DELETE_WORKER_PODS": "true"})
        changed("up")

        assert client.dag("upgraded") is not None
        assert up("env", "--password").out == password
        [task] = ended(process)["dag_runs"][0]["tasks"]
        assert (task["state"], pod["metadata"]["labels"]["try_number"]) == ("success", "1")
        up("up")

    def test_an_upgrade_of_the_image_loses_no_task_and_no_login(self, up: Cli, tools: Tools) -> None:
        """The running task ends in its old image, the next one runs in the new one; a token from before still holds."""
        client = up.airflow
        process, pod = running_task(up, tools, "reimaged", 60)
        old = pod["spec"]["containers"][0]["image"]
        repository, _, tag = old.rpartition(":")
        new = f"{repository}:{tag}-next"
        subprocess.run(
            ["docker", "build", "--quiet", "--tag", new, "-"], input=f"FROM {old}\nLABEL next=1\n".encode(), check=True
        )
        worker = f"{cluster_name(up.paths)}-worker"
        tools.run("kind", "load", "docker-image", new, "--name", cluster_name(up.paths), "--nodes", worker)
        names = ("defaultAirflowTag", "images.airflow.tag", "images.pod_template.tag")
        settings = [word for name in names for word in ("--set-string", f"airflow.{name}={tag}-next")]
        chart = str(up.paths.root / "chart")
        options = ("--namespace", tools.namespace, "--reuse-values", "--wait", "--timeout", "10m")
        tools.run("helm", "upgrade", RELEASE, chart, *options, *settings)

        assert client.dag("reimaged") is not None
        assert ended(process)["dag_runs"][0]["tasks"][0]["state"] == "success"
        with_dag(up, "anew", "new image")
        up("run", "anew")
        assert {each["spec"]["containers"][0]["image"] for each in pods_of(tools, "anew")} == {new}
        up("up")
        docker("image", "rm", new)

    def test_no_secret_stands_in_the_values_of_the_release(self, up: Cli, tools: Tools) -> None:
        """Helm keeps the values of every revision: none of the generated secrets is among them."""
        found = tools.run("helm", "get", "values", RELEASE, "--all", "--namespace", tools.namespace)
        secrets = up.context.credentials
        for value in (
            secrets.airflow_password,
            secrets.fernet_key,
            secrets.database_password,
            secrets.databricks_token,
        ):
            assert value not in found

    def test_an_up_that_changes_nothing_restarts_nothing(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """The pods are the ones that were there."""

        def serving() -> set[str]:
            found = tools.get("pods", "--selector", "tier in (airflow,sandbox,database)")
            meta = [pod["metadata"] for pod in found]
            return {each["uid"] for each in meta if not {"dag_id", "deletionTimestamp"} & {*each, *each["labels"]}}

        before = serving()
        begun = time.monotonic()
        up("up")
        keep("seconds of an up that changes nothing", round(time.monotonic() - begun, 1))

        assert serving() == before


class TestDatabase:
    """PostgreSQL."""

    def test_a_deleted_database_pod_keeps_the_history(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """The volume outlives its pod, and Airflow finds the database again by itself."""
        runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
        tools.kubectl("delete", "pod", "postgres-0", "--grace-period=0", "--force")
        seconds = eventually(lambda: "" if up("status", expect=None).code == 0 else "not healthy yet", 300)
        keep("seconds until all is healthy after the database's pod was deleted", round(seconds, 1))

        assert runs
        assert {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")} == runs

    def test_the_database_is_backed_up_and_restored(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """What was lost after the backup is there again after the restore; both times are told."""
        runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
        dump = up("database", "backup", "--json").value
        keys = [item.key for item in up.bucket("data-platform").objects.filter(Prefix="backups/")]
        psql = ("exec", "postgres-0", "--container", "postgres", "--", "sh", "-c")
        tools.kubectl(
            *psql,
            'PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") psql -h 127.0.0.1 -U airflow -c "TRUNCATE dag_run CASCADE"',
        )
        assert up.airflow.dag_runs("produce_data_asset") == []

        restored = up("database", "restore", "--json").value

        keep("seconds of a backup", dump["seconds"])
        keep("seconds of a restore, Airflow healthy again", restored["seconds"])
        assert dump["dump"].removeprefix("s3://data-platform/") in keys
        assert restored["dump"] == dump["dump"]
        assert {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")} == runs
        assert up("database", "list", "--json").value["dumps"]


class TestNetwork:
    """NetworkPolicies, and what this machine publishes."""

    def test_ports_are_published_on_loopback_only(self, up: Cli) -> None:
        """Kind publishes the node's ports on 127.0.0.1."""
        label = f"label=io.x-k8s.kind.cluster={cluster_name(up.paths)}"
        for line in docker("ps", "--filter", label, "--format", "{{.Ports}}").splitlines():
            assert all(each.startswith("127.0.0.1:") for each in line.split(", ") if "->" in each), line

    def test_policies_keep_pods_apart_where_they_are_enforced(self, up: Cli, tools: Tools) -> None:
        """A worker reaches the API server and S3, but not the database; a pod of nobody reaches nothing."""
        image = tools.get("deployments", "--selector=component=scheduler")[0]["spec"]["template"]["spec"]["containers"][
            0
        ]["image"]
        if not enforced(tools, image):
            pytest.skip("the network plug-in of this cluster does not enforce NetworkPolicies: a denied pod connects")
        worker = {"component": "worker", "release": RELEASE, "tier": "airflow"}

        assert connects(tools, image, worker, f"{RELEASE}-api-server", 8080) == "open"
        assert connects(tools, image, worker, "s3", 4566) == "open"
        assert connects(tools, image, worker, "postgres", 5432).startswith("closed")
        assert connects(tools, image, {"component": "scheduler", "release": RELEASE}, "postgres", 5432) == "open"
        for host, port in (("postgres", 5432), (f"{RELEASE}-api-server", 8080), ("s3", 4566)):
            assert connects(tools, image, {"app": "nobody"}, host, port).startswith("closed"), host


def pod_that_runs(name: str, image: str, labels: dict[str, str], code: str, *arguments: str) -> dict[str, Any]:
    """A pod that keeps to restricted pod security and runs Python code once."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "-c", code, *arguments],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 50000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "containers": [container],
        "securityContext": security,
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def connects(tools: Tools, image: str, labels: dict[str, str], host: str, port: int) -> str:
    """What a pod with these labels says of a connection: `open`, or `closed: …`."""
    name = f"asks-{time.monotonic_ns()}"
    tools.apply([pod_that_runs(name, image, labels, CONNECTS, host, str(port))])
    tools.kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s")
    said = tools.kubectl("logs", name).strip()
    tools.kubectl("delete", "pod", name, "--wait=false")
    return said


def enforced(tools: Tools, image: str) -> bool:
    """Whether the cluster enforces NetworkPolicies at all, tried in a namespace of its own that denies everything."""
    apart = Tools(kubeconfig=tools.kubeconfig, namespace="policies-tried", context=tools.context)
    deny = {"podSelector": {"matchLabels": {"app": "listener"}}, "policyTypes": ["Ingress"]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"}, "spec": deny}
    apart.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": apart.namespace}}])
    try:
        apart.apply([policy, pod_that_runs("listener", image, {"app": "listener"}, LISTENS)])
        apart.kubectl("wait", "pod/listener", "--for=condition=Ready", "--timeout=90s")
        address = json.loads(apart.kubectl("get", "pod", "listener", "--output=json"))["status"]["podIP"]
        return connects(apart, image, {"app": "asks"}, address, 8000) != "open"
    finally:
        apart.run("kubectl", "delete", "namespace", apart.namespace, "--wait=false")


@contextlib.contextmanager
def small_disk(up: Cli, tools: Tools) -> Iterator[float]:
    """The database's volume is a disk without any room; yields when it became so. It has its own disk afterwards."""
    [volume] = [
        each for each in tools.get("persistentvolumes") if each["spec"]["claimRef"]["name"] == "data-postgres-0"
    ]
    folder = volume["spec"]["hostPath"]["path"]
    script = (
        f"set -e; mv {folder} {folder}.large; mkdir {folder}; "
        f"mount -t tmpfs -o size=$(du -sk {folder}.large | cut -f1)k tmpfs {folder}; "
        f"cp -a {folder}.large/. {folder}/ || true; dd if=/dev/zero of={folder}/filler bs=4k || true"
    )
    on_worker = ("exec", f"{cluster_name(up.paths)}-worker", "sh", "-c")
    scale = ("scale", "statefulset/postgres")
    tools.kubectl(*scale, "--replicas=0")
    tools.kubectl("wait", "pod/postgres-0", "--for=delete", "--timeout=120s")
    docker(*on_worker, script)
    begun = time.monotonic()
    tools.kubectl(*scale, "--replicas=1")
    try:
        yield begun
    finally:
        tools.kubectl(*scale, "--replicas=0")
        tools.kubectl("wait", "pod/postgres-0", "--for=delete", "--timeout=120s")
        docker(*on_worker, f"umount {folder} && rmdir {folder} && mv {folder}.large {folder}")
        tools.kubectl(*scale, "--replicas=1")


class TestBadDays:
    """What ends an `up` early, and what comes back."""

    def test_another_version_of_the_chart_is_refused(self, up: Cli) -> None:
        """The archive that is named holds 1.18.0: nothing is installed, and the running sandbox stays as it is."""
        if "SANDBOX_AIRFLOW_CHART" not in os.environ:
            pytest.skip("SANDBOX_AIRFLOW_CHART names no chart: there is nothing to be of another version")
        broken = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_AIRFLOW_CHART_VERSION": "9.9.9"})
        assert "is not Airflow's chart 9.9.9" in broken("up", expect=4).err
        up("status")

    def test_a_crashing_pod_ends_up_early(self, up: Cli, keep: Keep) -> None:
        """`up` names the pod and shows the end of its log, long before the time-out; a further `up` mends it."""
        settings = (up.project / "sandbox.toml").read_text()
        (up.project / "sandbox.toml").write_text(
            settings.replace("[airflow.config]", '[airflow.config]\n"core.auth_manager" = "no.such.Manager"')
        )
        begun = time.monotonic()
        refused = up("up", expect=5)
        keep("seconds until a crashing pod ended `up`", round(time.monotonic() - begun, 1))
        (up.project / "sandbox.toml").write_text(settings)

        assert "crashes: container" in refused.err
        assert "no.such" in refused.err
        up("up")

    @pytest.mark.parametrize(
        ("change", "code", "words"),
        [
            ("sandbox.services.archive.image=data-platform-sandbox/archive:gone", 4, "has no image"),
            ("sandbox.pods.archive.requests.memory=900Gi", 5, "finds no node"),
        ],
        ids=["ImagePullBackOff", "no room"],
    )
    def test_a_pod_that_never_starts_is_named(
        self, up: Cli, tools: Tools, keep: Keep, change: str, code: int, words: str
    ) -> None:
        """The wait ends with the pod and its events, in seconds; a further `up` mends it."""
        values: tuple[str, ...] = ("--reuse-values", "--set-string", change)
        if "memory" in change:
            values = (*values, "--set-string", "sandbox.pods.archive.limits.memory=901Gi")
        tools.run("helm", "upgrade", RELEASE, str(up.paths.root / "chart"), "--namespace", tools.namespace, *values)
        begun = time.monotonic()
        with pytest.raises(SandboxError) as told:
            kind_wait.until_ready(tools, timeout_seconds=300, progress=Terminal(quiet=True))
        keep("seconds until it was told", round(time.monotonic() - begun, 1))

        assert words in told.value.what
        assert told.value.exit_code == code
        up("up")

    def test_a_full_volume_of_the_database_is_named(self, up: Cli, tools: Tools, keep: Keep) -> None:
        """`status` and `up` say that the volume is full, not what that makes PostgreSQL say; with room all is back."""
        runs = {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")}
        with small_disk(up, tools) as seconds:
            refused = up("up", expect=4)
            assert "the volume data-postgres-0 of pod postgres-0 is full" in refused.err
            assert "the volume data-postgres-0 of pod postgres-0 is full" in up("status", expect=5).out
            keep("seconds until a full volume ended `up`", round(time.monotonic() - seconds, 1))

        up("up")
        assert {run["dag_run_id"] for run in up.airflow.dag_runs("produce_data_asset")} == runs

    def test_restarted_nodes_come_back_with_everything(self, up: Cli, keep: Keep) -> None:
        """A restart of the machine's Docker, seen from here: tables and history are there again by themselves."""
        rows = up.rows(MARTS)
        label = f"label=io.x-k8s.kind.cluster={cluster_name(up.paths)}"
        docker("restart", "--time", "5", *docker("ps", "--quiet", "--filter", label).split())
        begun = time.monotonic()
        up("up")
        keep("seconds of an up after a restart of the nodes", round(time.monotonic() - begun, 1))

        assert up.rows(MARTS) == rows
        assert up.airflow.dag_runs("produce_data_asset")

    def test_down_frees_the_machine_and_keeps_everything(self, up: Cli) -> None:
        """No container runs; the next `up` finds tables and history."""
        rows = up.rows(MARTS)
        up("down")
        assert "Up" not in docker("ps", "--filter", f"name={cluster_name(up.paths)}")
        up("up")
        assert up.rows(MARTS) == rows
        assert up.airflow.dag_runs("produce_data_asset")


def test_a_killed_up_leaves_nothing_that_is_in_the_way(up: Cli, keep: Keep) -> None:
    """kill -9 while Kind makes the nodes: the next `up` replaces the half-made cluster, `down` deletes it."""
    half = Cli(project=up.project, name="thalf", env=up.env)
    try:
        for again in ("down", "up"):
            process = half.start("up")
            eventually(lambda: "" if kind_cluster.nodes(half.paths) else "no node yet")
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert not kind_cluster.exists(half.paths)
            done = half(again, timeout_seconds=1500)
            if again == "down":
                assert "half-made and is deleted" in done.err
                assert kind_cluster.nodes(half.paths) == {}
        assert half("status", "--json").value["healthy"]
    finally:
        half("reset", expect=None)
    assert kind_cluster.nodes(half.paths) == {}
