"""Mistakes of the kind that a change brings, each with the cells that it breaks and the words that name its cause."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Plant:
    """One mistake: in `file`, `healthy` becomes `broken`.

    `red` selects the cells that must fail, as `sandbox matrix list` takes it; every other cell must pass. Each red cell
    must say `cause`, all of it.
    """

    name: str
    file: str
    healthy: str
    broken: str
    red: str
    cause: tuple[str, ...]

    def into(self, project: Path) -> None:
        """Make the mistake in a copy of the project."""
        path = project / self.file
        text = path.read_text("utf-8")
        assert text.count(self.healthy) == 1, f"{self.file} has no longer one place for the plant {self.name}"
        path.write_text(text.replace(self.healthy, self.broken), encoding="utf-8")


PLANTS = (
    Plant(
        name="a DAG imports what Airflow 3.3 no longer has",
        file="dags/produce_data_asset.py",
        healthy="from airflow.sdk import Param,",
        broken="from airflow.models.mappedoperator import MappedOperator\nfrom airflow.sdk import Param,",
        red="airflow>=3.3",
        cause=("produce_data_asset.py", "No module named 'airflow.models.mappedoperator'"),
    ),
    Plant(
        name="a notebook says what one engine does not understand",
        file="notebooks/gold_most_popular_tags.py",
        healthy="tags = spark.sql(",
        broken='spark.sql(f"SELECT PostTypeName, count(*) FROM {stg_posts} GROUP BY ALL").collect()\ntags = spark.sql(',
        red="engine=sail",
        cause=("gold_most_popular_tags", "ALL"),
    ),
    Plant(
        name="a notebook computes something else",
        file="notebooks/gold_most_popular_tags.py",
        healthy="SELECT tag_exploded, count(*) AS tags_count",
        broken="SELECT tag_exploded, count(*) + 1 AS tags_count",
        red="engine!=none",
        cause=("test_gold_equals_an_independent_computation",),
    ),
    Plant(
        name="a job does not wait for the table that it reads",
        file="databricks.yml",
        healthy="            - task_key: silver_posts\n            - task_key: bronze_users\n",
        broken="            - task_key: silver_posts\n",
        red="engine!=none",
        cause=("test_the_wiring_holds", "databricks.yml", "gold_post_users", "bronze_users"),
    ),
    Plant(
        name="an operator is given what production's provider does not know",
        file="dags/trigger_databricks_workflow_dag.py",
        healthy="        deferrable=True,\n",
        broken='        deferrable=True,\n        performance_target="STANDARD",\n',
        red="databricks<7.23",
        cause=("trigger_databricks_workflow_dag.py", "performance_target"),
    ),
)
