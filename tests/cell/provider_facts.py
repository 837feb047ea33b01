"""What the installed databricks provider has: its version, endpoints, operators and sensors; prints JSON.

Run by Airflow's own interpreter.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from importlib.metadata import version

from airflow.providers.databricks import operators, sensors
from airflow.providers.databricks.hooks import databricks as hooks


def classes() -> list[str]:
    """The public operators and sensors that the provider defines."""
    found = set()
    for package in (operators, sensors):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            loaded = importlib.import_module(module.name)
            found |= {
                name
                for name, value in vars(loaded).items()
                if inspect.isclass(value)
                and value.__module__ == loaded.__name__
                and name.endswith(("Operator", "Sensor"))
                and not name.startswith("_")
                and not inspect.isabstract(value)
            }
    return sorted(found)


if __name__ == "__main__":
    endpoints = {
        name: value if isinstance(value, str) else list(value)
        for name, value in sorted(vars(hooks).items())
        if name.endswith("_ENDPOINT")
    }
    facts = {
        "version": version("apache-airflow-providers-databricks"),
        "endpoints": endpoints,
        "classes": classes(),
    }
    print("FACTS " + json.dumps(facts))
