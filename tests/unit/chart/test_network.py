"""Who may speak to whom: the policies evaluated as a cluster would."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.unit.chart.rendered import Rendered, render

AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
NODE = "172.18.0.2"
KUBERNETES = "10.96.0.1"
ELSEWHERE = "203.0.113.7"
CLOUD_METADATA = "169.254.169.254"
SERVICES = {"s3": 4566, "workspace": 8090, "archive": 8091}


def test_nothing_is_allowed_that_is_not_listed(rendered: Rendered) -> None:
    """One policy selects every pod of the namespace, in both directions, and allows nothing."""
    denies = [each["spec"] for each in rendered.of("NetworkPolicy") if each["spec"]["podSelector"] == {}]

    assert denies == [{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]


@pytest.mark.parametrize("component", [*AIRFLOW, "setup", "backup", "restore"])
def test_who_needs_the_database_reaches_it(kind: Rendered, component: str) -> None:
    """Components and Jobs do."""
    assert kind.allows(kind.pod(component), kind.pod("postgres"), 5432)


@pytest.mark.parametrize("component", ["worker", "s3", "workspace", "archive"])
def test_who_does_not_need_the_database_does_not_reach_it(kind: Rendered, component: str) -> None:
    """Tasks ask the API server; nor does a machine outside of the cluster."""
    assert not kind.allows(kind.pod(component), kind.pod("postgres"), 5432)
    assert not kind.allows(NODE, kind.pod("postgres"), 5432)


def test_an_external_database_is_reached_by_the_same(production: Rendered) -> None:
    """By its port alone."""
    for component in (*AIRFLOW, "setup", "backup", "restore"):
        assert production.allows(production.pod(component), ELSEWHERE, 5432), component
    assert not production.allows(production.pod("worker"), ELSEWHERE, 5432)


def test_workers_report_to_the_api_server(rendered: Rendered) -> None:
    """And the scheduler does, for the tasks that it ends itself."""
    for component in ("worker", "scheduler"):
        assert rendered.allows(rendered.pod(component), rendered.pod("api-server"), 8080), component


def test_the_api_server_is_reached_from_outside_as_the_profile_says(kind: Rendered, production: Rendered) -> None:
    """By the node's port in the sandbox; in production by the ingress controller, not by any address."""
    assert kind.allows(NODE, kind.pod("api-server"), 8080)
    assert not production.allows(ELSEWHERE, production.pod("api-server"), 8080)
    policies = [each["spec"] for each in production.of("NetworkPolicy") if "ingress" in each["spec"]]
    named = [
        peer for spec in policies for rule in spec["ingress"] for peer in rule["from"] if "namespaceSelector" in peer
    ]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}} in named


@pytest.mark.parametrize(("component", "service"), list(itertools.product((*AIRFLOW, "worker"), SERVICES)))
def test_airflow_reaches_the_services_of_the_sandbox(kind: Rendered, component: str, service: str) -> None:
    """Tasks do their work there, and logs are written to S3."""
    assert kind.allows(kind.pod(component), kind.pod(service), SERVICES[service])


def test_services_reach_each_other_and_are_reached_from_the_machine(kind: Rendered) -> None:
    """The workspace reads S3; node ports are published on loopback."""
    assert kind.allows(kind.pod("workspace"), kind.pod("s3"), 4566)
    for service, port in SERVICES.items():
        assert kind.allows(NODE, kind.pod(service), port), service
    assert not kind.allows(kind.pod("workspace"), kind.pod("api-server"), 8080)


def test_backups_reach_their_bucket(kind: Rendered, production: Rendered) -> None:
    """LocalStack in the sandbox, S3 in production."""
    for way in ("backup", "restore"):
        assert kind.allows(kind.pod(way), kind.pod("s3"), 4566)
        assert production.allows(production.pod(way), ELSEWHERE, 443)


def test_only_the_launchers_reach_kubernetes(kind: Rendered) -> None:
    """Where the API listens: 443 by its Service, 6443 on the node."""
    for port in (443, 6443):
        for component in ("scheduler", "api-server"):
            assert kind.allows(kind.pod(component), KUBERNETES, port)
    for component in ("worker", "dag-processor", "triggerer", "postgres", "setup"):
        assert not kind.allows(kind.pod(component), NODE, 6443), component


def test_tasks_of_production_reach_the_cloud(production: Rendered) -> None:
    """By HTTPS; the DAG processor also git; none of them the metadata service of the cloud's machines."""
    for component in ("worker", "triggerer"):
        assert production.allows(production.pod(component), ELSEWHERE, 443)
        assert not production.allows(production.pod(component), ELSEWHERE, 80)
    assert production.allows(production.pod("dag-processor"), ELSEWHERE, 443)
    for component in ("worker", "triggerer", "dag-processor"):
        assert not production.allows(production.pod(component), CLOUD_METADATA, 443), component
        assert not production.allows(production.pod(component), CLOUD_METADATA, 80), component


def test_every_pod_resolves_names(rendered: Rendered) -> None:
    """Or nothing above would work."""
    for pod in rendered.pods:
        assert rendered.allows_dns(pod), pod


def test_metrics_reach_the_exporter_and_nobody_else_does(production: Rendered) -> None:
    """UDP from Airflow, and the scrape by the namespace that the profile names."""
    statsd = production.pod("statsd")

    for component in (*AIRFLOW, "worker"):
        assert production.allows(production.pod(component), statsd, 9125, "UDP"), component
    assert not production.allows(ELSEWHERE, statsd, 9102)


def test_policies_can_be_left_to_the_cluster(chart: Path, tool_values: Path) -> None:
    """`networkPolicies.enabled: false` renders none."""
    done = render(chart, "kind", tool_values, settings=["networkPolicies.enabled=false"])

    assert done.returncode == 0
    assert not Rendered(text=done.stdout).of("NetworkPolicy")
