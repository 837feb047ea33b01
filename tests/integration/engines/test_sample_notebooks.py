"""The sample notebooks on each engine: two snapshots one after the other, then every table compared."""

from __future__ import annotations

import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.notebook import NotebookRunner, NotebookTask
from sandbox.databricks_stub.settings import Engine as EngineSettings
from sandbox.databricks_stub.settings import Settings, Volume
from tests.integration.databricks_stub.conftest import ROOT
from tests.integration.engines import snapshots
from tests.integration.engines.conftest import Engines
from tests.integration.engines.engine_process import VOLUMES, Engine
from tests.integration.engines.snapshots import Snapshot

pytestmark = [pytest.mark.xdist_group("engines")]

NOTEBOOKS = ("bronze_posts", "bronze_users", "silver_posts", "gold_post_users", "gold_most_popular_tags")
TABLES = (
    *("raw_posts", "raw_users", "stg_posts", "stg_posts_quarantine"),
    *("marts_posts_users", "marts_posts_users_quarantine", "marts_top_tags"),
)
READ = """
def table(name):
    data = spark.table(f"projects.default.{name}")
    return {"schema": data.schema.jsonValue()["fields"], "rows": [row.asDict() for row in data.collect()]}
found = {name: table(name) for name in %r}
"""
LAST_OPERATION = "found = spark.sql('describe history raw_posts').first()['operation']"


def run_all(engine: Engine, pair: tuple[Snapshot, ...], folder: Path) -> dict[str, Any]:
    """Both snapshots through all notebooks; the tables afterwards."""
    # a Unix socket's path has at most 104 characters, those of pytest are long
    with tempfile.TemporaryDirectory(prefix="nb-") as short, pytest.MonkeyPatch.context() as patch:
        for name, value in engine.environment.items():
            patch.setenv(name, value)
        settings = Settings(
            port=1,
            state_dir=folder,
            project_root=ROOT,
            warehouse_dir=engine.warehouse,
            volumes=tuple(
                Volume(name=path.removeprefix("/Volumes/").replace("/", "."), location=at)
                for path, at in VOLUMES.items()
            ),
            engine=EngineSettings(name=engine.name, python=engine.python, remote=engine.remote),
            runtime_dir=Path(short),
        )
        runner = NotebookRunner(settings)
        runner.start()
        try:
            for snapshot in pair:
                for notebook in NOTEBOOKS:
                    run_one(runner, notebook, snapshot, folder / snapshot.name / notebook)
        finally:
            runner.close()
    found: dict[str, Any] = engine.run(READ % (TABLES,))
    return found


def run_one(runner: NotebookRunner, notebook: str, snapshot: Snapshot, outputs: Path) -> None:
    """One notebook of the job, which must succeed."""
    task = NotebookTask(
        run_id=1,
        task_key=notebook,
        job_name="medallion",
        notebook_path=ROOT / "notebooks" / f"{notebook}.py",
        workspace_path=f"/notebooks/{notebook}",
        parameters=snapshot.parameters,
        output_dir=outputs,
        timeout_seconds=None,
        task_values={},
    )

    outcome = runner.run(task, threading.Event())

    assert outcome.succeeded, f"{notebook}: {outcome.error_trace}"


class Medallion:
    """The tables of each engine, made when they are first asked for."""

    def __init__(self, engines: Engines, pair: tuple[Snapshot, ...], folders: pytest.TempPathFactory) -> None:
        self._engines = engines
        self._pair = pair
        self._folders = folders
        self._found: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self._found:
            self._found[name] = run_all(self._engines[name], self._pair, self._folders.mktemp(f"medallion-{name}"))
        return self._found[name]


@pytest.fixture(scope="session")
def pair(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, ...]:
    """Two snapshots, in the volume."""
    made = snapshots.make(tmp_path_factory.mktemp("archive"))
    for snapshot in made:
        for name in snapshots.FILES:
            s3.upload_file(str(snapshot.folder / name), "bucket", f"raw/snapshots/{snapshot.name}/{name}")
    return made


@pytest.fixture(scope="session")
def medallion(engines: Engines, pair: tuple[Snapshot, ...], tmp_path_factory: pytest.TempPathFactory) -> Medallion:
    """The tables by engine."""
    return Medallion(engines, pair, tmp_path_factory)


def test_the_tables_are_those_of_the_last_snapshot(
    medallion: Medallion, engine: Engine, pair: tuple[Snapshot, ...]
) -> None:
    """Rows that are gone, changed and new are merged, bad ones are in quarantine, as plain Python computes it."""
    tables = {name: table["rows"] for name, table in medallion[engine.name].items()}
    truth = snapshots.truth_of(pair[-1])

    gold = {
        (row["PostId"], row["PostTypeName"], row["Score"], row["Id"], row["Reputation"])
        for row in tables["marts_posts_users"]
    }

    assert gold == truth.joined
    assert len(tables["marts_posts_users"]) == truth.posts
    assert {row["tag_exploded"]: row["tags_count"] for row in tables["marts_top_tags"]} == truth.tags
    assert len(tables["stg_posts_quarantine"]) == 3
    assert len(tables["raw_posts"]) == truth.posts + 3
    assert engine.run(LAST_OPERATION) == "MERGE"


def test_both_engines_make_the_same_tables(medallion: Medallion) -> None:
    """Names, types and nullability of all columns, and all rows."""
    sail, spark = medallion["sail"], medallion["spark"]

    for name in TABLES:
        assert sail[name]["schema"] == spark[name]["schema"], name
        assert comparable(sail[name]["rows"]) == comparable(spark[name]["rows"]), name


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    """Rows in an order; that of the keys in _rescued_data is a known difference."""
    return sorted(
        json.dumps(
            {**row, "_rescued_data": json.loads(row["_rescued_data"])} if row.get("_rescued_data") else row,
            sort_keys=True,
        )
        for row in rows
    )
