"""Settings of Airflow: packages, connections, Variables, pools."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from sandbox.adopt.model import PLACEHOLDER, Draft, Findings, Named, first_by_name
from sandbox.config.model import Config
from sandbox.runtimes.locks import canonical, pins
from sandbox.runtimes.registry import RUNTIMES, airflow_runtime

SERVICES = {"aws": "s3", "s3": "s3", "databricks": "databricks"}
"""What an argument `<word>_conn_id` is aimed at."""
DEFAULT_CONNECTIONS = {"amazon": ("aws", "aws_default"), "databricks": ("databricks", "databricks_default")}
"""By provider: what its operators use when they are told no connection."""
DISTRIBUTIONS = {"yaml": "pyyaml", "dateutil": "python-dateutil", "bs4": "beautifulsoup4", "sklearn": "scikit-learn"}
"""Modules whose distribution is called otherwise."""


def packages(found: Findings, made: Draft) -> None:
    """What the row of the draft lacks: packages that the DAGs import, provider versions that production has."""
    settings = made.values.get("airflow", {})
    defaults = Config().airflow
    row = airflow_runtime(settings.get("version", defaults.version), settings.get("python", defaults.python))
    locked = pins(RUNTIMES[row].lock_file.read_text("utf-8"))
    extra: list[str] = []
    places: list[str] = []
    for name, item in found.named("imports").items():
        distribution = canonical(DISTRIBUTIONS.get(name, name))
        if name in sys.stdlib_module_names or name in found.local_modules or name in ("airflow", "__future__"):
            continue
        if distribution in locked:
            continue
        if distribution in found.wanted.requirements:
            extra.append(found.wanted.requirements[distribution].detail)
            places.append(str(found.wanted.requirements[distribution].place))
        else:
            made.ask(f"which package the module {name} comes from", item.place, "add it to airflow.extra_requirements")
    if extra:
        made.put(("airflow", "extra_requirements"), extra, ", ".join(places))
    for provider in sorted({name for file in found.sources for name in file.providers}):
        distribution = f"apache-airflow-providers-{provider}"
        wanted = found.wanted.requirements.get(distribution)
        version = wanted.detail.partition("==")[2].split(";")[0].strip() if wanted else ""
        if version and version not in locked.get(distribution, ()):
            made.put(("airflow", "providers", provider), version, str(wanted.place if wanted else ""))
        elif not version and distribution not in locked:
            made.ask(
                f"the row has no provider {provider}",
                "",
                f'airflow.extra_requirements = ["{distribution}==<version>"]',
            )


def connections(found: Findings, made: Draft) -> None:
    """Every connection that an operator or a hook is given, and those that they use when they are given none."""
    kinds: dict[str, str] = {}
    named = [item for file in found.sources for item in file.connections if item.name]
    for item in (item for file in found.sources for item in file.connections if not item.name):
        made.ask("the name of a connection that the code computes", item.place, "add it to [airflow.connections]")
    for item in named:
        kinds[item.name] = item.detail or kinds.get(item.name, "")
    used = set(kinds.values())
    for file in found.sources:
        for provider, (kind, name) in DEFAULT_CONNECTIONS.items():
            if provider in file.providers and kind not in used:
                kinds.setdefault(name, kind)
                place = f"{found.shown(file.path)}; what the provider uses when it is told none"
                made.put(("airflow", "connections", name), {"service": SERVICES[kind]}, place)
    places = first_by_name(named)
    for name, item in places.items():
        kind = kinds[name] or next((word for word in SERVICES if word in name), "")
        if kind in SERVICES:
            made.put(("airflow", "connections", name), {"service": SERVICES[kind]}, str(item.place))
        else:
            value = {"conn_type": kind or "generic", "host": PLACEHOLDER}
            made.put(("airflow", "connections", name), value, str(item.place))
            made.ask(f"what the connection {name} reaches", item.place, f"fill in airflow.connections.{name}")


def variables(found: Findings, made: Draft, buckets: Mapping[str, Named]) -> None:
    """Every Variable, with the value that the repository has for it."""
    for item in (item for file in found.sources for item in file.variables if not item.name):
        made.ask("the names of Variables that the code computes", item.place, "add them to [airflow.variables]")
    for name, item in found.named("variables").items():
        if not name:
            continue
        known = found.environment.get(name.lower())
        if known is not None:
            made.put(("airflow", "variables", name), known.detail, f"{item.place}, value of {known.place}")
        elif item.detail:
            made.put(("airflow", "variables", name), item.detail, f"{item.place}, its default")
        elif "bucket" in name.lower() and len(buckets) == 1:
            bucket = next(iter(buckets))
            made.put(("airflow", "variables", name), bucket, f"{item.place}; the one bucket that the repository names")
        elif any(name in file.json_variables for file in found.sources):
            made.put(("airflow", "variables", name), "{}", f"{item.place}; TO FILL IN, read as JSON")
            made.ask(f"the JSON of the Variable {name}", item.place, f"fill in airflow.variables.{name}")
        else:
            made.put(("airflow", "variables", name), PLACEHOLDER, str(item.place))
            made.ask(f"the value of the Variable {name}", item.place, f"fill in airflow.variables.{name}")


def pools(found: Findings, made: Draft) -> None:
    """Every pool that a task is put into."""
    for name, item in found.named("pools").items():
        made.put(("airflow", "pools", name), {"slots": 4}, f"{item.place}; how many slots production has is not known")
