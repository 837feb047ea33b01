"""No secret in values, in manifests that are not Secrets, or in the arguments of a process."""

from __future__ import annotations

import base64
import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from sandbox.backends import kind_release
from sandbox.backends.containers import contained
from sandbox.services.spec import ServiceContext
from tests.unit.chart.rendered import CHART, Rendered, render

KEY = re.compile(r"(?im)^\s*(\w*password|\w*secretkey|fernetkey|jwtsecret):\s*(?!true|false)['\"]?\w")
GENERATED = {
    "sandbox-postgres": {"password"},
    "sandbox-metadata": {"connection"},
    "sandbox-fernet": {"fernet-key"},
    "sandbox-api": {"api-secret-key"},
    "sandbox-jwt": {"jwt-secret"},
    "sandbox-admin": {"username", "password", "email"},
}


def decoded(rendered: Rendered) -> dict[str, dict[str, str]]:
    return {
        each["metadata"]["name"]: {
            key: base64.b64decode(value).decode() for key, value in (each.get("data") or {}).items()
        }
        for each in rendered.of("Secret")
    }


def test_the_sandbox_makes_its_secrets_itself(kind: Rendered) -> None:
    """With the profile kind the chart renders no Secret at all: none reaches Helm's record of the release."""
    assert decoded(kind) == {}


def test_production_generates_what_is_missing(production: Rendered) -> None:
    """Keys of the right form, in Secrets that outlive the release; the external database's address is no part of it."""
    made = decoded(production)

    expected = {name: keys for name, keys in GENERATED.items() if name not in ("sandbox-postgres", "sandbox-metadata")}
    assert {name: set(data) for name, data in made.items()} == expected
    assert len(base64.urlsafe_b64decode(made["sandbox-fernet"]["fernet-key"])) == 32
    assert len(made["sandbox-jwt"]["jwt-secret"]) >= 32
    assert len(made["sandbox-api"]["api-secret-key"]) >= 32
    assert len(made["sandbox-admin"]["password"]) >= 20
    assert all(each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for each in production.of("Secret"))


def test_a_database_of_its_own_gets_a_password_and_its_address(chart: Path, tool_values: Path) -> None:
    """The address in Airflow's Secret carries the password of PostgreSQL's Secret, and names its Service."""
    done = render(chart, "kind", tool_values, settings=["secrets.create=true"])
    rendered = Rendered(text=done.stdout)
    made = decoded(rendered)

    assert {name: set(data) for name, data in made.items()} == GENERATED
    found = re.fullmatch(r"postgresql://airflow:(.+)@(.+):5432/airflow", made["sandbox-metadata"]["connection"])
    assert found
    assert found[1] == made["sandbox-postgres"]["password"]
    assert rendered.one("Service", found[2])["spec"]["selector"].items() <= rendered.pod("postgres").labels.items()


def test_two_installations_share_no_secret(chart: Path) -> None:
    """Generated means generated."""
    first, second = (decoded(Rendered(text=render(chart, "production").stdout)) for _ in range(2))

    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


def test_secrets_stand_nowhere_but_in_secrets(production: Rendered) -> None:
    """Neither what was generated nor its base64 is in any other object."""
    others = [str(each) for each in production.objects if each["kind"] != "Secret"]
    secret = [
        value
        for data in decoded(production).values()
        for key, value in data.items()
        if key not in ("username", "email")
    ]

    assert secret
    assert not [value for value in secret for text in others if value in text]


@pytest.mark.parametrize("file", sorted(CHART.rglob("*.yaml")), ids=lambda path: str(path.relative_to(CHART)))
def test_no_values_file_has_a_password(file: Path) -> None:
    """Not even an example: what stands in a values file gets installed."""
    assert not re.search(KEY, file.read_text())


def test_no_process_has_a_password_among_its_arguments(rendered: Rendered) -> None:
    """A process list is readable by everybody on the node: no argument expands a secret variable, or spells one."""
    found = []
    for pod in rendered.pods:
        for container in pod.containers:
            line = " ".join(str(word) for word in [*(container.get("command") or ()), *(container.get("args") or ())])
            secret = [
                each["name"] for each in container.get("env") or () if "secretKeyRef" in each.get("valueFrom", {})
            ]
            expanded = [name for name in secret if re.search(rf"\$[({{]?{name}\b", line)]
            if expanded or re.search(r"--?p(assword)?[ =]|://\w+:", line):
                found.append(f"{pod}/{container['name']}: {expanded or line}")

    assert not found


def test_airflow_reads_its_keys_from_the_secrets(rendered: Rendered) -> None:
    """Every component, worker pods too: the same keys after each upgrade."""
    wanted = {
        "AIRFLOW__CORE__FERNET_KEY": "sandbox-fernet",
        "AIRFLOW__API__SECRET_KEY": "sandbox-api",
        "AIRFLOW__API_AUTH__JWT_SECRET": "sandbox-jwt",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sandbox-metadata",
    }
    for component in ("api-server", "scheduler", "dag-processor", "triggerer", "worker"):
        (container,) = [each for each in rendered.pod(component).spec["containers"] if "image" in each][:1]
        references = {
            each["name"]: each["valueFrom"]["secretKeyRef"]["name"]
            for each in container["env"]
            if "secretKeyRef" in each.get("valueFrom", {})
        }
        assert wanted.items() <= references.items(), component
        assert {"secretRef": {"name": "sandbox-airflow-env"}} in [
            {"secretRef": {"name": each["secretRef"]["name"]}} for each in container["envFrom"]
        ]


def test_changed_secrets_restart_whoever_reads_them(kind: Rendered, tool_values: Path) -> None:
    """The digest that the tool renders is on the pods of the four components."""
    digest = yaml.safe_load(tool_values.read_text())["airflow"]["scheduler"]["podAnnotations"]["sandbox/secrets"]

    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        assert kind.pod(component).annotations["sandbox/secrets"] == digest


def test_the_values_of_the_tool_hold_no_secret(context: ServiceContext, kind: Rendered, tool_values: Path) -> None:
    """Helm keeps the values of a release, and manifests can be read by more people than Secrets."""
    secrets = dataclasses.asdict(context.credentials)
    secrets.pop("airflow_user")

    assert not [name for name, value in secrets.items() if value in tool_values.read_text() or value in kind.text]


def test_every_secret_that_is_mounted_or_read_is_made_by_somebody(context: ServiceContext, kind: Rendered) -> None:
    """What the pods of the sandbox ask for is what the tool makes before it installs the release."""
    services = [contained(name, context) for name in kind_release.known_services()]
    made = {each["metadata"]["name"]: set(each["data"]) for each in kind_release.secrets(services, context)}
    asked: dict[str, set[str]] = {}
    for pod in kind.pods:
        for volume in pod.spec.get("volumes") or ():
            if "secret" in volume:
                items = volume["secret"].get("items") or ()
                asked.setdefault(volume["secret"]["secretName"], set()).update(item["key"] for item in items)
        for container in pod.containers:
            for each in container.get("env") or ():
                if reference := each.get("valueFrom", {}).get("secretKeyRef"):
                    asked.setdefault(reference["name"], set()).add(reference["key"])
            for each in container.get("envFrom") or ():
                asked.setdefault(each["secretRef"]["name"], set())

    assert asked
    assert {name: keys for name, keys in asked.items() if name not in made or not keys <= made[name]} == {}


def test_names_of_secrets_that_differ_are_refused(chart: Path) -> None:
    """A name stands in two places, ours and the official chart's: what would not start does not render."""
    done = render(chart, "production", settings=['secrets.fernet="another"'])

    assert done.returncode != 0
    assert "airflow.fernetKeySecretName" in done.stderr
