"""What `helm template` makes of the chart, as data: objects, pods, Airflow's configuration, who may reach whom."""

from __future__ import annotations

import configparser
import functools
import ipaddress
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RELEASE = "sandbox"
NAMESPACE = "data-platform"
KUBERNETES = "1.34.0"
HERE = Path(__file__).parent
CHART = HERE.parents[2] / "chart"
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")

Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod template, and what makes pods of it."""

    kind: str
    name: str
    replicas: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*(self.spec.get("initContainers") or ()), *self.spec["containers"]]

    @property
    def serves(self) -> list[dict[str, Any]]:
        """The containers that run as long as the pod does; none in a pod that ends."""
        return list(self.spec["containers"]) if self.kind in ("Deployment", "StatefulSet") else []


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """The manifests of a release."""

    text: str

    @functools.cached_property
    def objects(self) -> list[Object]:
        return [each for each in yaml.safe_load_all(self.text) if each]

    def of(self, *kinds: str) -> list[Object]:
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        found = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} × {kind} {name}"
        return found[0]

    @functools.cached_property
    def pods(self) -> list[Pod]:
        """Every pod template, the one for worker pods too."""
        found = []
        for each in self.of(*WORKLOADS):
            spec = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
            found.append(_pod(each["kind"], each["metadata"]["name"], spec["template"], spec.get("replicas", 1)))
        template = yaml.safe_load(self.config_map["pod_template_file.yaml"])
        return [*found, _pod("Pod", "worker", template, 1)]

    def pod(self, component: str) -> Pod:
        """The pod with this label `component`."""
        found = [each for each in self.pods if each.labels.get("component") == component]
        assert len(found) == 1, f"{len(found)} × component={component}: {', '.join(map(str, found))}"
        return found[0]

    @functools.cached_property
    def config_map(self) -> Mapping[str, str]:
        """The official chart's files for Airflow."""
        data: Mapping[str, str] = self.one("ConfigMap", f"{RELEASE}-config")["data"]
        return data

    @functools.cached_property
    def airflow_cfg(self) -> configparser.ConfigParser:
        parsed = configparser.ConfigParser(interpolation=None)
        parsed.read_string(self.config_map["airflow.cfg"])
        return parsed

    def service_account(self, pod: Pod) -> Object:
        return self.one("ServiceAccount", pod.spec["serviceAccountName"])

    def gives_token(self, pod: Pod) -> bool:
        """Whether the pod gets a token for the Kubernetes API: the pod's word counts before its account's."""
        own = pod.spec.get("automountServiceAccountToken")
        return bool(self.service_account(pod).get("automountServiceAccountToken", True) if own is None else own)

    def rules(self, pod: Pod) -> set[tuple[str, str]]:
        """What its account may do: (resource, verb)."""
        account = pod.spec["serviceAccountName"]
        found = set()
        for binding in self.of("RoleBinding"):
            if any(subject["name"] == account for subject in binding["subjects"]):
                for rule in self.one("Role", binding["roleRef"]["name"])["rules"]:
                    found |= {(resource, verb) for resource in rule["resources"] for verb in rule["verbs"]}
        return found

    def allows(self, source: Pod | str, target: Pod | str, port: int, protocol: str = "TCP") -> bool:
        """Whether the network policies let a connection pass; an address stands for a pod or machine elsewhere."""
        return self._passes("Egress", source, target, port, protocol) and self._passes(
            "Ingress", target, source, port, protocol
        )

    def allows_dns(self, pod: Pod) -> bool:
        """Whether it may ask the cluster's name server, whose namespace is kube-system."""
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
        return any(
            peer in rule["to"] and _has_port(rule["ports"], 53, protocol)
            for protocol in ("UDP", "TCP")
            for each in self.of("NetworkPolicy")
            if _selects(each["spec"]["podSelector"], pod.labels)
            for rule in each["spec"].get("egress") or ()
            if "to" in rule
        )

    def _passes(self, direction: str, of: Pod | str, peer: Pod | str, port: int, protocol: str) -> bool:
        if isinstance(of, str):
            return True
        policies = [
            each["spec"]
            for each in self.of("NetworkPolicy")
            if direction in each["spec"]["policyTypes"] and _selects(each["spec"]["podSelector"], of.labels)
        ]
        key, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
        rules = [rule for policy in policies for rule in policy.get(key) or ()]
        return not policies or any(
            _has_port(rule.get("ports"), port, protocol) and _has_peer(rule.get(side), peer) for rule in rules
        )


def _pod(kind: str, name: str, template: Mapping[str, Any], replicas: int) -> Pod:
    metadata = template["metadata"]
    return Pod(
        kind=kind,
        name=name,
        replicas=replicas,
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        spec=template["spec"],
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for each in selector.get("matchExpressions") or ():
        assert each["operator"] == "In", f"the tests do not know {each['operator']}"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return True


def _has_port(ports: Iterable[Mapping[str, Any]] | None, port: int, protocol: str) -> bool:
    return not ports or any(
        each.get("protocol", "TCP") == protocol and each.get("port", port) == port for each in ports
    )


def _has_peer(peers: Iterable[Mapping[str, Any]] | None, peer: Pod | str) -> bool:
    return not peers or any(_is_peer(each, peer) for each in peers)


def _is_peer(rule: Mapping[str, Any], peer: Pod | str) -> bool:
    if isinstance(peer, str):
        if "ipBlock" not in rule:
            return False
        address, block = ipaddress.ip_address(peer), rule["ipBlock"]
        inside = address in ipaddress.ip_network(block["cidr"])
        return inside and not any(address in ipaddress.ip_network(each) for each in block.get("except") or ())
    # policies about pods name pods: an ipBlock is for what lies outside of the cluster
    return "namespaceSelector" not in rule and "podSelector" in rule and _selects(rule["podSelector"], peer.labels)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm, whatever its exit code."""
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)


def render(chart: Path, *values: Path | str, settings: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    """`helm template` with values files (a name is a profile of the chart) and single settings."""
    files = [each if isinstance(each, Path) else chart / "profiles" / f"{each}.yaml" for each in values]
    return helm(
        *("template", RELEASE, str(chart), "--namespace", NAMESPACE, "--kube-version", KUBERNETES),
        *(word for file in files for word in ("--values", str(file))),
        *(word for setting in settings for word in ("--set-json", setting)),
    )
