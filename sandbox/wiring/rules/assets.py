"""The assets that DAGs wait for are those that tasks of other DAGs write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, listed, slip_of
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    outlets = [outlet for dag in facts.dags for task in dag["operators"] for outlet in task["outlets"]]
    made = [outlet for outlet in outlets if outlet["kind"] == "asset"]
    aliases = {outlet["name"] for outlet in outlets if outlet["kind"] == "alias"}
    for dag in facts.dags:
        for wanted in dag["schedule_assets"]:
            if wanted["kind"] == "alias":
                complaint = None if wanted["name"] in aliases else _nobody(wanted["name"], aliases)
            elif wanted["kind"] == "reference":
                complaint = _reference(wanted, made, has_aliases=bool(aliases))
            else:
                # a task with an alias may say at run time which asset it has written; a watcher looks outside
                complaint = None if wanted["watched"] or aliases else _asset(wanted, made)
            if complaint is not None:
                message, hint, certain = complaint
                subject = str(wanted["uri"] or wanted["name"])
                report = RULE.error if certain else RULE.warning
                yield report(
                    facts.sources.dag_place(dag["file"], dag["dag_id"]),
                    subject,
                    f"DAG {dag['dag_id']} waits for {subject}, {message}",
                    hint,
                )


Complaint = tuple[str, str, bool]


def _asset(wanted: Mapping[str, Any], made: list[Mapping[str, Any]]) -> Complaint | None:
    same_uri = {item["name"] for item in made if item["uri"] == wanted["uri"]}
    same_name = {item["uri"] for item in made if item["name"] == wanted["name"]}
    if wanted["name"] in same_uri:
        return None
    if same_uri:
        text = f"but tasks write it under another name: {listed(same_uri)}, not {wanted['name']}"
        return text, "import the same Asset object in both files", True
    if same_name:
        text = f"but tasks write the asset {wanted['name']} at another address: {listed(same_name)}"
        return text, "import the same Asset object in both files", True
    return _nobody(wanted["uri"], {item["uri"] for item in made})


def _reference(wanted: Mapping[str, Any], made: list[Mapping[str, Any]], *, has_aliases: bool) -> Complaint | None:
    key = "uri" if wanted["uri"] else "name"
    known = {item[key] for item in made}
    return None if wanted[key] in known or has_aliases else _nobody(wanted[key], known)


def _nobody(name: str, known: set[str]) -> Complaint:
    # addresses have long beginnings in common
    if meant := slip_of(name, known, alike=0.9):
        return "which no task has among its outlets", f"did you mean {meant}?", True
    hint = "add it to the outlets of the task that writes it; if events come from elsewhere, list it in wiring.ignore"
    return "which no task has among its outlets", hint, False


RULE = Rule(
    id="asset-produced", title="every asset that a DAG waits for is some task's outlet", check=_check, needs_dags=True
)
