"""What refuses a deployment by `--context` before anything changes. `kubectl` is a script that answers from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.backends import cluster, cluster_checks, tools_of
from sandbox.backends.kind_tools import Tools, line
from sandbox.config import Config
from sandbox.config.model import Cluster
from sandbox.errors import ConfigurationError, PrerequisiteMissing, SandboxError, ServiceNotHealthy
from sandbox.paths import StatePaths
from tests.unit.backends.conftest import Answer
from tests.unit.recorded import RecordedProgress


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    """A project without state."""
    return StatePaths(project=tmp_path, name="default")


def configured(context: str) -> Config:
    return Config(cluster=Cluster(context=context))


def values(**changes: Any) -> dict[str, Any]:
    """Values that leave nothing open."""
    names = {key: f"sandbox-{key}" for key in ("metadata", "fernet", "api", "jwt", "admin", "airflowEnvironment")}
    return {
        "secrets": {"create": True, **names},
        "postgresql": {"enabled": False, "fixOwnership": True},
        "airflow": {
            "images": {"airflow": {"repository": "registry.example.com/airflow"}},
            "dags": {"gitSync": {"enabled": True, "repo": "https://example.com/dags.git"}},
        },
    } | changes


@pytest.mark.parametrize(
    ("context", "words"), [("prod", "no context 'prod'"), ("", "which cluster")], ids=["unknown", "none"]
)
def test_a_context_that_the_kubeconfig_lacks_is_refused(
    answer: Answer, paths: StatePaths, context: str, words: str
) -> None:
    """And those that it has are named."""
    answer({"get-contexts": "staging\nkind-other\n"})

    with pytest.raises(ConfigurationError, match=words) as told:
        cluster.wanted(configured(context), paths)

    assert "kind-other, staging" in told.value.why


def test_another_context_than_before_is_refused(answer: Answer, paths: StatePaths) -> None:
    """One sandbox is one release: an `up` with the wrong context must not make a second one."""
    answer({"get-contexts": "staging\nprod\n"})
    paths.root.mkdir(parents=True)
    (paths.root / "cluster.json").write_text(json.dumps({"context": "staging", "namespace": "data-platform"}))

    with pytest.raises(ConfigurationError, match="deployed on the context staging, not on prod"):
        cluster.wanted(configured("prod"), paths)

    assert cluster.wanted(configured(""), paths).context == "staging"


def test_a_cluster_that_does_not_answer_is_told(answer: Answer, tools: Tools) -> None:
    """With what kubectl said, and exit code 5."""
    with pytest.raises(ServiceNotHealthy, match="the context staging does not answer") as told:
        cluster_checks.reach(tools)

    assert "no answer to" in told.value.why


def test_placeholders_of_the_profile_are_refused() -> None:
    """All of them at once; those of a part that is switched off do not count."""
    texts = {"gitSync": {"enabled": False, "repo": "https://github.com/CHANGE-ME/x.git"}}
    airflow = {"images": {}, "dags": texts, "config": {"logging": {"remote_base_log_folder": "s3://CHANGE-ME"}}}

    with pytest.raises(ConfigurationError) as told:
        cluster_checks.values_are_complete(values(airflow=airflow), [])

    assert "airflow.config.logging.remote_base_log_folder, airflow.images.airflow.repository" in told.value.what
    assert "gitSync" not in told.value.what
    cluster_checks.values_are_complete(values(), [])


def test_files_of_values_lie_over_the_profile(tmp_path: Path) -> None:
    """Deeply, the last one on top; a file that is not there is named."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "values.yaml").write_text("a: {b: 1, c: 1}\n")
    (tmp_path / "profiles" / "production.yaml").write_text("a: {c: 2, d: [1]}\n")
    (tmp_path / "mine.yaml").write_text("a: {d: [2]}\n")

    found = cluster_checks.effective_values(tmp_path, "production", [tmp_path / "mine.yaml"])

    assert found == {"a": {"b": 1, "c": 2, "d": [2]}}
    with pytest.raises(ConfigurationError, match=r"gone\.yaml is no file of values"):
        cluster_checks.effective_values(tmp_path, "production", [tmp_path / "gone.yaml"])


def test_a_namespace_of_somebody_else_is_refused(answer: Answer, tools: Tools) -> None:
    """One that holds foreign Deployments; one of ours, an empty one and none at all are taken."""
    answer({"get_namespace": {"metadata": {"labels": {}}}})
    foreign = {"kind": "Deployment", "metadata": {"name": "shop", "labels": {}}}
    answer({"get_deployments": {"items": [foreign]}})
    with pytest.raises(ConfigurationError, match="holds something else: deployment shop"):
        cluster_checks.namespace_is_ours(tools)

    answer({"get_deployments": {"items": []}})
    assert cluster_checks.namespace_is_ours(tools) is False
    answer({"get_namespace": ""})
    assert cluster_checks.namespace_is_ours(tools) is True


def test_what_one_may_not_do_is_told_before(answer: Answer, tools: Tools) -> None:
    """Each kind that the role does not allow."""
    answer({"can-i_create_deployments.apps": "yes\n", "can-i_create_secrets": "yes\n"})

    with pytest.raises(PrerequisiteMissing, match=r"you may not create .*roles\.rbac") as told:
        cluster_checks.may_install(tools)

    assert "deployments" not in told.value.what


def test_secrets_that_only_their_owner_can_make_must_be_there(answer: Answer, tools: Tools) -> None:
    """The connections, and the URL of an external database; the command that makes them is told."""
    answer({"get_secrets": "secret/sandbox-airflowEnvironment\n"})

    with pytest.raises(PrerequisiteMissing, match="no Secret sandbox-metadata") as told:
        cluster_checks.secrets_are_there(tools, values(), namespace_exists=True)

    assert "--from-file=connection=" in told.value.next_command
    inside = values(postgresql={"enabled": True, "fixOwnership": False})
    cluster_checks.secrets_are_there(tools, inside, namespace_exists=True)


def test_every_call_names_its_context(answer: Answer, tools: Tools, tmp_path: Path) -> None:
    """So that whatever is current in the kubeconfig is never reached by mistake."""
    answer({"get_pods": {"items": []}})
    tools.get("pods")

    assert (tmp_path / "bin" / "calls").read_text().startswith("--context staging --namespace data-platform get pods")
    assert line(tools, "helm", ["list"]) == "helm --kube-context staging --namespace data-platform list"


def test_down_deletes_nothing_on_a_cluster(answer: Answer, paths: StatePaths) -> None:
    """It forgets the cluster, and says how the release is removed."""
    paths.root.mkdir(parents=True)
    (paths.root / "cluster.json").write_text(json.dumps({"context": "staging", "namespace": "data-platform"}))
    progress = RecordedProgress()

    assert cluster.down(paths, progress)
    assert "helm --kube-context staging uninstall sandbox" in progress.notes[0]
    assert not cluster.down(paths, progress)
    assert tools_of("process", paths) is None
    with pytest.raises(SandboxError, match="deployed on no cluster"):
        cluster.context(paths)
