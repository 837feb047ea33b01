"""What holds for every pod of the release, and for every container in it."""

from __future__ import annotations

import re

import pytest

from tests.unit.chart.rendered import Rendered

LAUNCHERS = {"scheduler", "api-server"}
"""Only they speak to the Kubernetes API: one starts worker pods, the other reads the logs of those that run."""
OWNS_VOLUMES = re.compile(r"(own|permission)")


def test_every_pod_keeps_to_restricted_pod_security(rendered: Rendered) -> None:
    """But for the init container that gives the volumes of host paths to the pod's user."""
    found = []
    for pod in rendered.pods:
        security = pod.spec["securityContext"]
        found += [f"{pod}: runAsNonRoot"] * (security.get("runAsNonRoot") is not True)
        found += [f"{pod}: seccomp"] * (security.get("seccompProfile") != {"type": "RuntimeDefault"})
        found += [f"{pod}: {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(key)]
        found += [f"{pod}: hostPath" for volume in pod.spec.get("volumes") or () if "hostPath" in volume]
        for container in pod.containers:
            own = container.get("securityContext") or {}
            name = f"{pod}/{container['name']}"
            found += [f"{name}: escalation"] * (own.get("allowPrivilegeEscalation") is not False)
            found += [f"{name}: capabilities"] * (own.get("capabilities", {}).get("drop") != ["ALL"])
            found += [f"{name}: privileged"] * bool(own.get("privileged"))
            if not OWNS_VOLUMES.search(container["name"]):
                found += [f"{name}: adds capabilities"] * bool(own["capabilities"].get("add"))
                found += [f"{name}: root"] * (own.get("runAsUser") == 0 or own.get("runAsNonRoot") is False)

    assert not found


def test_root_only_changes_the_owner_of_volumes(kind: Rendered, production: Rendered) -> None:
    """In the profile whose volumes are host paths, with the capabilities for that alone; nowhere in production."""
    roots = [
        container
        for pod in kind.pods
        for container in pod.containers
        if (container.get("securityContext") or {}).get("runAsUser") == 0
    ]

    assert roots
    assert all("chown" in " ".join(each["command"]) for each in roots)
    assert all(set(each["securityContext"]["capabilities"]["add"]) <= {"CHOWN", "FOWNER"} for each in roots)
    assert "runAsUser: 0\n" not in production.text


def test_every_container_has_requests_and_limits(rendered: Rendered) -> None:
    """Init containers, sidecars, jobs and worker pods too: cpu and memory requested, memory limited."""
    found = [
        f"{pod}/{container['name']}"
        for pod in rendered.pods
        for container in pod.containers
        if not {"cpu", "memory"} <= set((container.get("resources") or {}).get("requests") or ())
        or "memory" not in ((container.get("resources") or {}).get("limits") or ())
    ]

    assert not found


def test_every_server_is_probed(rendered: Rendered) -> None:
    """Each container that runs as long as its pod is asked whether it lives.

    The official chart has no probes for git-sync, which ends by itself when it fails too often, nor for the sweeper of
    local logs.
    """
    found = [
        f"{pod}/{container['name']}"
        for pod in rendered.pods
        for container in pod.serves
        if "livenessProbe" not in container and not re.search("git-sync|groomer", container["name"])
    ]

    assert not found


def test_who_answers_requests_gets_none_before_it_can(rendered: Rendered) -> None:
    """A container with a port behind a Service has a readiness probe."""
    selected = [service["spec"].get("selector", {}) for service in rendered.of("Service")]
    found = [
        f"{pod}/{container['name']}"
        for pod in rendered.pods
        for container in pod.serves
        if container.get("ports")
        and any(selector.items() <= pod.labels.items() for selector in selected)
        and "readinessProbe" not in container
        # its port serves logs of triggers that run, which nobody waits for
        and container["name"] != "triggerer"
    ]

    assert not found


def test_only_the_launchers_get_a_token_for_kubernetes(rendered: Rendered) -> None:
    """A pod that has no business with the Kubernetes API has nothing to show it."""
    having = {pod.labels.get("component") for pod in rendered.pods if rendered.gives_token(pod)}

    assert having == LAUNCHERS


def test_accounts_may_do_no_more_than_they_must(rendered: Rendered) -> None:
    """The scheduler handles pods, the API server reads them, nobody else anything; and all in this namespace only."""
    rights = {pod.labels.get("component"): rendered.rules(pod) for pod in rendered.pods}

    assert {name for name, rules in rights.items() if rules} == LAUNCHERS
    assert rights["scheduler"] >= {("pods", verb) for verb in ("create", "get", "list", "watch", "patch", "delete")}
    assert rights["api-server"] == {("pods", "get"), ("pods", "list"), ("pods/log", "get")}
    assert ("pods/exec", "create") not in rights["scheduler"]
    assert not {
        resource for rules in rights.values() for resource, _ in rules if "secret" in resource or resource == "*"
    }
    assert not rendered.of("ClusterRole", "ClusterRoleBinding")


def test_every_pod_has_an_account_of_its_own_release(rendered: Rendered) -> None:
    """The namespace's default account is nobody's."""
    assert all(rendered.service_account(pod)["metadata"]["name"] != "default" for pod in rendered.pods)


def test_no_image_is_what_somebody_pushed_last(rendered: Rendered) -> None:
    """Every image has a tag, and none is `latest`."""
    images = {container["image"] for pod in rendered.pods for container in pod.containers}

    assert all(":" in image.rsplit("/", 1)[-1] and not image.endswith(":latest") for image in images), images


@pytest.mark.parametrize("component", ["api-server", "scheduler", "dag-processor", "triggerer"])
def test_a_changed_configuration_restarts_the_component(rendered: Rendered, component: str) -> None:
    """Its pods carry a checksum of Airflow's configuration."""
    assert "checksum/airflow-config" in rendered.pod(component).annotations


def test_the_api_server_ends_after_the_nodes_know_it(rendered: Rendered) -> None:
    """A pod that is told to end is still asked for a moment: it answers meanwhile, within the time it has."""
    pod = rendered.pod("api-server")
    (container,) = [each for each in pod.containers if each["name"] == "api-server"]
    program, seconds = container["lifecycle"]["preStop"]["exec"]["command"]

    assert program == "sleep"
    assert 0 < int(seconds) < pod.spec.get("terminationGracePeriodSeconds", 30) / 2
