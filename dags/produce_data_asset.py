"""Bring the newest dump of a Stack Exchange site into the bucket and publish it as the assets `posts` and `users`.

Settings are Airflow Variables; `stack_exchange/settings.py` lists them. Trigger with the conf `{"force": true}` to
publish an archive again that has not changed, with `{"site": "…"}` for another site than the Variable's.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, Variable, dag, get_current_context, task
from stack_exchange.airflow_names import AirflowFailException, AirflowSkipException, CronTriggerTimetable
from stack_exchange.assets import POSTS, USERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack_exchange.settings import Settings

AWS_CONNECTION = "aws_conn"


def read_settings() -> Settings:
    """The settings of this dag_run: Variables, and the params it was triggered with."""
    from stack_exchange import settings

    return settings.read(lambda name: Variable.get(name, default=None), site=get_current_context()["params"]["site"])


def s3_client() -> Any:
    """A client of the account that `aws_conn` names."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    return S3Hook(aws_conn_id=AWS_CONNECTION).get_conn()


@contextmanager
def final_if_input_is_bad() -> Iterator[None]:
    """Fail at once where a retry cannot help; let everything else be retried."""
    from stack_exchange.errors import BadInput

    try:
        yield
    except BadInput as error:
        raise AirflowFailException(str(error)) from None


@task(execution_timeout=timedelta(minutes=5))
def check_upstream() -> dict[str, Any]:
    """Ask the host for the archive; skip the rest when the current snapshot is of this very archive."""
    from stack_exchange import ingest, upstream

    with final_if_input_is_bad(), upstream.new_client() as client:
        settings = read_settings()
        found = ingest.find_new_archive(s3_client(), client, settings, force=get_current_context()["params"]["force"])
    if found is None:
        raise AirflowSkipException(f"{settings.archive_url} has not changed since it was published")
    return found.to_json()


@task(execution_timeout=timedelta(hours=10))
def ingest_archive(found: dict[str, Any]) -> dict[str, Any]:
    """Download, check, unpack and upload posts and users as a snapshot that nobody sees yet."""
    from stack_exchange import ingest, upstream

    with final_if_input_is_bad(), upstream.new_client() as client:
        manifest = ingest.ingest(
            s3_client(), client, read_settings(), upstream.Upstream(**found), now=datetime.now(UTC)
        )
    return manifest.to_json()


@task(outlets=[POSTS, USERS], execution_timeout=timedelta(minutes=5))
def publish_snapshot(ingested: dict[str, Any]) -> None:
    """Make the snapshot the current one, both files at once, and say so to whoever waits for the assets."""
    from stack_exchange import snapshots

    with final_if_input_is_bad():
        manifest = snapshots.Manifest.from_json(ingested)
        snapshots.publish(s3_client(), read_settings(), manifest)
    outlet_events = get_current_context()["outlet_events"]
    for asset in (POSTS, USERS):
        outlet_events[asset].extra = manifest.extra(asset.name)


@task(execution_timeout=timedelta(minutes=30))
def remove_old_snapshots() -> list[str]:
    """Keep the last few snapshots only."""
    from stack_exchange import snapshots

    with final_if_input_is_bad():
        return snapshots.remove_old(s3_client(), read_settings(), now=datetime.now(UTC))


@dag(
    # Whoever unpauses the DAG wants no dag_run at once beside the one that they trigger. `run_immediately=False`
    # would start one within 2.4 hours after 05:30 (a tenth of the interval); this, and no start_date, makes the first
    # one the next 05:30.
    schedule=CronTriggerTimetable("30 5 * * *", timezone="UTC", run_immediately=timedelta(seconds=30)),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args={
        "owner": "data-platform",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=15),
    },
    params={
        "force": Param(False, type="boolean", description="Publish even if the archive has not changed."),
        "site": Param(None, type=["null", "string"], description="Another site than the Variable's."),
    },
    tags=["stack-exchange", "ingestion"],
    doc_md=__doc__,
)
def produce_data_asset() -> None:
    """From the upstream host to the two assets."""
    publish_snapshot(ingest_archive(check_upstream())) >> remove_old_snapshots()


produce_data_asset()
