"""What a test holds of a running sandbox: its addresses, its clients, its tables, and a way to run a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import follow, health
from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient
from sandbox.errors import ConfigurationError, TestsFailed
from sandbox.follow.chain import ChainState
from sandbox.follow.failure import explain
from sandbox.follow.watch import until_finished
from sandbox.progress import Progress
from sandbox.services.spec import ServiceContext

PARSE_SECONDS = 60.0


class SparkTables:
    """The tables of the sandbox, read through the workspace's SQL API.

    A name has one, two or three parts; what is missing is the configured catalog and the first of its schemas.
    """

    def __init__(self, databricks: DatabricksClient, *, catalog: str, schema: str) -> None:
        self._databricks = databricks
        self._catalog = catalog
        self._schema = schema

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """The rows of a statement, each by column; raises TestsFailed with the engine's message."""
        answer = self._databricks.sql(statement, catalog=self._catalog, schema=self._schema)
        return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]

    def names(self, schema: str | None = None) -> list[str]:
        """The tables of a schema, sorted; by default of the first configured one."""
        catalog, _, name = (schema or self._schema).rpartition(".")
        found = self.sql(f"SHOW TABLES IN {_quoted(f'{catalog or self._catalog}.{name}')}")
        return sorted(row["tableName"] for row in found)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, in no order."""
        return self.sql(f"SELECT * FROM {_quoted(table)}")

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.sql(f"SELECT count(*) AS counted FROM {_quoted(table)}")[0]["counted"])

    def __getitem__(self, table: str) -> list[dict[str, Any]]:
        return self.rows(table)


def _quoted(name: str) -> str:
    return ".".join(f"`{part}`" for part in name.split("."))


@dataclass(frozen=True, kw_only=True)
class RunningSandbox:
    """A sandbox that is up; `environment` has the variables of `sandbox env`."""

    context: ServiceContext
    airflow: AirflowClient
    databricks: DatabricksClient
    environment: Mapping[str, str]
    progress: Progress

    @property
    def name(self) -> str:
        """Its name, as `--name` takes it."""
        return self.context.paths.name

    @property
    def tables(self) -> SparkTables:
        """Its tables."""
        settings = self.context.config.databricks
        return SparkTables(self.databricks, catalog=settings.catalog, schema=settings.schemas[0])

    def url(self, service: str) -> str:
        """The base URL of `airflow`, `s3`, `databricks` or `archive`."""
        return self.context.url(service)

    def wait_for_dags(self, dag_ids: Iterable[str], *, timeout_seconds: float = PARSE_SECONDS) -> None:
        """Wait until Airflow knows these DAGs; raises TestsFailed with the import errors when it does not."""
        wanted = set(dag_ids)

        def complaint() -> str:
            missing = wanted - {dag["dag_id"] for dag in self.airflow.dags()}
            return f"Airflow does not know {', '.join(sorted(missing))}" if missing else ""

        try:
            health.wait_until(complaint, timeout_seconds=timeout_seconds, interval_seconds=0.25)
        except health.StillWaiting as waiting:
            errors = [f"{error['filename']}: {error['stack_trace']}" for error in self.airflow.import_errors()]
            raise TestsFailed(str(waiting), why="\n".join(errors), next_command="sandbox validate") from None

    def run(
        self,
        dag_id: str | None = None,
        conf: Mapping[str, Any] | None = None,
        *,
        check: bool = True,
        limit_seconds: float | None = None,
    ) -> ChainState:
        """Trigger a DAG (default: `run.dag` with `run.conf`) and follow its whole chain to the end.

        Raises TestsFailed with the failing logs and notebook cells when something in it failed and `check` is set, and
        ServiceNotHealthy when it isn't finished after `limit_seconds` (default: `limits.run_seconds`).
        """
        settings = self.context.config.run
        name = dag_id or settings.dag
        if name is None:
            raise ConfigurationError(
                "which DAG? run.dag of sandbox.toml is not set", next_command="$EDITOR sandbox.toml"
            )
        follow.prepare(self.airflow, name, self.context.dags)
        values = dict(settings.conf) if conf is None and name == settings.dag else dict(conf or {})
        chain = follow.Chain(self.airflow, self.databricks, name, follow.trigger(self.airflow, name, values))
        state = until_finished(
            chain,
            limit_seconds=limit_seconds or self.context.config.limits.run_seconds,
            show=lambda before, now: None,
            note=self.progress.note,
        )
        if check and not state.succeeded:
            raise TestsFailed(f"the chain of {name} failed", why=self.why(state), next_command="sandbox logs airflow")
        return state

    def why(self, state: ChainState) -> str:
        """What failed in a chain: notebook cells with their output, the ends of tasks' logs; empty if nothing did."""
        return explain(state, self.airflow, self.databricks)
