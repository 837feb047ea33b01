"""The pipeline end to end: archive, snapshot, assets, job, tables."""

from __future__ import annotations

from sandbox.follow.chain import ChainState
from sandbox.testing.handle import SparkTables
from tests.truth import Truth


def test_the_chain_is_complete(chain: ChainState) -> None:
    """One dag_run publishes both assets, those start the other DAG, that the job of five notebooks."""
    assert chain.succeeded
    assert [run["dag_id"] for run in chain.dag_runs] == ["produce_data_asset", "trigger_databricks_workflow_dag"]
    assert [(run["job"], run["state"], len(run["tasks"])) for run in chain.job_runs] == [("medallion", "SUCCESS", 5)]


def test_the_events_say_what_was_published(chain: ChainState, truth: Truth) -> None:
    """Row counts, sizes, checksums and ETags of both files, as event extras."""
    extras = {asset["uri"].rpartition("/")[2]: asset["extra"] for asset in chain.assets}

    assert {name: extra["rows"] for name, extra in extras.items()} == {
        "Posts.xml": truth.posts,
        "Users.xml": truth.users,
    }
    assert all({"sha256", "etag", "size_bytes"} <= extra.keys() for extra in extras.values())


def test_bronze_holds_every_row(chain: ChainState, spark_tables: SparkTables, truth: Truth) -> None:
    """No row of the archive is dropped."""
    assert chain.succeeded
    assert spark_tables.count("raw_posts") == truth.posts
    assert spark_tables.count("raw_users") == truth.users


def test_gold_equals_an_independent_computation(chain: ChainState, spark_tables: SparkTables, truth: Truth) -> None:
    """The marts are, row for row, what plain Python makes of the archive's XML."""
    assert chain.succeeded

    tags = {row["tag_exploded"]: row["tags_count"] for row in spark_tables["marts_top_tags"]}
    joined = [
        (row["PostTypeName"], row["Score"], row["Id"], row["Reputation"]) for row in spark_tables["marts_posts_users"]
    ]

    assert tags == truth.tags
    assert sorted(joined, key=str) == sorted((row[1:] for row in truth.joined), key=str)
