"""The three files as text: sandbox.toml and matrix.toml with the reason of each value, and a first test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.adopt.model import PLACEHOLDER, Draft, Findings
from sandbox.config.model import Config
from sandbox.runtimes.locks import PROVIDER_PREFIX, pins
from sandbox.runtimes.registry import RUNTIMES, airflow_runtime

TABLES = (
    "project",
    "airflow",
    "airflow.connections",
    "airflow.variables",
    "airflow.pools",
    "airflow.providers",
    "s3",
    "databricks",
    "databricks.volumes",
    "databricks.secrets",
    "run",
)
"""What is written as a table of its own, in this order; what lies deeper stands on one line."""
MEANINGS = {
    "project": "Where the production artefacts lie.",
    "airflow": "The Airflow that the DAGs run on.",
    "airflow.connections": "Connections, by production's names; `service` aims one at the sandbox's S3 or workspace.",
    "airflow.variables": "Variables. {s3.url}, {databricks.url} and {archive.url} stand for the sandbox's addresses.",
    "airflow.pools": "Pools; one that exists is left as it is.",
    "airflow.providers": "Provider versions other than those of the Airflow row.",
    "s3": "Buckets that exist from the start.",
    "databricks": "The catalog and its schemas; the first schema is that of names without one.",
    "databricks.volumes": "The S3 prefix behind each volume.",
    "databricks.secrets": "Secrets by scope and key. Never the real ones: this file is committed.",
    "run": "What `sandbox run` triggers.",
}
DATABRICKS = "databricks"


def sandbox_toml(made: Draft) -> str:
    """The settings, each with the place that it is taken from."""
    lines = [
        "# The sandbox of this repository, as `sandbox init` found it. It is yours to edit; after each value stands",
        "# where it was found. `sandbox config` shows every setting, also those that are not here.",
    ]
    for table in TABLES:
        values = _inside(made.values, table)
        scalars = {name: value for name, value in values.items() if f"{table}.{name}" not in TABLES}
        if not scalars:
            continue
        lines += ["", f"# {MEANINGS[table]}", f"[{table}]"]
        for name, value in scalars.items():
            reason = made.reasons.get(f"{table}.{name}", "")
            if table == "databricks.secrets":
                reason = ", ".join(sorted({made.reasons[f"{table}.{name}.{key}"] for key in value}))
            note = (
                f"  # TO FILL IN; {reason}" if PLACEHOLDER in json.dumps(value) else f"  # {reason}" if reason else ""
            )
            lines.append(f"{_key(name)} = {_value(value)}{note}")
    return "\n".join(lines) + "\n"


def matrix_toml(made: Draft) -> str:
    """Production's row, and the newest row that this version of the tool has."""
    settings = Config.model_validate(made.values).airflow
    cells = [(settings.version, settings.python, settings.providers.get(DATABRICKS), "production's row")]
    newest = list(_rows())[-1]
    if newest[0] != settings.version:
        cells.append((*newest, None, "the newest Airflow that the sandbox has"))
    lines = [
        "# What is tested where: one [[cell]] per row; `sandbox matrix list` shows them. An id is read from left to",
        "# right: Airflow, its Python, the backend, the engine, the databricks provider.",
        "schema = 1",
        "",
        "[groups]",
        'pr = "what a change must pass before it is merged"',
        'nightly = "every row that is expected to work"',
        "",
        "[defaults]",
        'tests = ["tests/cell"]',
        "",
        "# what `sandbox gate` asks for",
        "[policy.release]",
        'groups = ["pr"]',
    ]
    for number, (version, python, provider, purpose) in enumerate(cells):
        locked = pins(RUNTIMES[airflow_runtime(version, python)].lock_file.read_text("utf-8"))
        provider = provider or min(locked[PROVIDER_PREFIX + DATABRICKS])
        lines += [
            "",
            "[[cell]]",
            f'id = "airflow{version}-py{python}-process-sail-dbx{provider}"',
            f'purpose = "{purpose}"',
            f"groups = {_value(['nightly'] if number else ['pr', 'nightly'])}",
        ]
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[tuple[str, str]]:
    """Version and Python of every Airflow row, oldest first, of each version the first Python last."""
    rows = [spec.name.removeprefix("airflow-").split("-py") for spec in RUNTIMES.values() if spec.is_row]
    rows.sort(key=lambda row: ([int(part) for part in row[0].split(".")], [-int(part) for part in row[1].split(".")]))
    yield from ((version, python) for version, python in rows)


def first_test(found: Findings, made: Draft) -> str:
    """A test file that passes as soon as the pipeline does."""
    dag_ids = sorted({item.name for file in found.dag_files for item in file.dag_ids if item.name})
    listed = "".join(f"    {_value(name)},\n" for name in dag_ids)
    text = (
        '"""The pipeline on a sandbox of its own: `pytest tests/cell`. The fixtures are the sandbox\'s."""\n\n'
        f"DAGS = [\n{listed}]\n\n\n"
        "def test_airflow_knows_every_dag(sandbox):\n"
        "    sandbox.wait_for_dags(DAGS)\n"
        "    assert sandbox.airflow.import_errors() == []\n"
    )
    dag = made.values.get("run", {}).get("dag")
    if dag is None:
        return text
    text += f"\n\ndef test_the_whole_chain_succeeds(sandbox{', spark_tables' if found.notebooks else ''}):\n"
    text += f"    chain = sandbox.run({_value(dag)})\n    assert chain.succeeded\n"
    if found.notebooks:
        schemas = made.values.get("databricks", {}).get("schemas", list(Config().databricks.schemas))
        text += (
            f"    schemas = {_value(schemas)}\n"
            '    tables = [f"{schema}.{name}" for schema in schemas for name in spark_tables.names(schema)]\n'
            "    # better: what your tables must hold\n"
            "    assert tables\n"
            "    assert [name for name in tables if spark_tables.count(name) == 0] == []\n"
        )
    return text


def _inside(values: Mapping[str, Any], table: str) -> dict[str, Any]:
    for name in table.split("."):
        values = values.get(name, {})
    return dict(values)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    """A value as TOML: texts and numbers are written as in JSON, tables on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)
