"""A DAG is triggered as it is in its folder now: Airflow has parsed the newest edit, or says why it cannot."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from sandbox.clients.airflow import AirflowClient
from sandbox.clients.http import ApiAnswer
from sandbox.errors import ConfigurationError, NothingSelected, ServiceNotHealthy
from sandbox.follow import edits, start
from sandbox.follow.sources import sources

EDITED = 1_700_000_000.0


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@dataclass
class FakeAirflow:
    """One DAG, in a file that is parsed when that is asked for; `parse` says what that changes."""

    parsed_at: float
    parse: Callable[[FakeAirflow], None] = lambda airflow: None
    broken: bool = False
    known: bool = True
    errors: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    paused: bool = True
    listed: list[dict[str, Any]] = field(default_factory=list)
    inactive: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        return {
            "is_stale": False,
            "is_paused": self.paused,
            "has_import_errors": self.broken,
            "last_parsed_time": moment(self.parsed_at),
            "last_parse_duration": 0.5,
            "file_token": "token",
            "relative_fileloc": "made.py",
        } if self.known else None  # fmt: skip

    def parse_again(self, file_token: str) -> None:
        self.asked.append(file_token)
        self.parse(self)

    def import_errors(self) -> list[dict[str, Any]]:
        return self.errors

    def dags(self) -> list[dict[str, Any]]:
        own = [{"dag_id": "made", **self.dag("made")}] if self.known else []  # type: ignore[dict-item]
        return own + self.listed

    def assets(self) -> list[dict[str, Any]]:
        return []

    def inactive_assets(self) -> list[dict[str, Any]]:
        self.looks += 1
        return [item for item in self.inactive if item["until"] > self.looks]

    def dependencies(self) -> dict[str, Any]:
        return {"nodes": [], "edges": []}

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        self.paused = paused


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    """A DAG folder whose helper module was edited last."""
    for name, age in (("made.py", 100), ("helpers/names.py", 0)):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
        os.utime(file, (EDITED - age, EDITED - age))
    return tmp_path


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "PARSE_SECONDS", 0.3)
    monkeypatch.setattr(start, "MENDED_SECONDS", 0.3)
    monkeypatch.setattr(start, "ACTIVE_SECONDS", 0.6)


def prepare(airflow: FakeAirflow, dags: Path) -> None:
    start.prepare(cast("AirflowClient", airflow), "made", dags)


def test_the_newest_edit_is_that_of_any_module(dags: Path) -> None:
    """DAGs import helpers; what is dated in the future was changed now; an empty folder has none."""
    assert edits.newest(dags) == edits.Edit(file=dags / "helpers" / "names.py", at=EDITED)

    os.utime(dags / "made.py", (time.time() + 3600,) * 2)
    newest = edits.newest(dags)
    assert newest is not None
    assert newest.file == dags / "made.py"
    assert newest.at <= time.time()
    assert edits.newest(dags / "nowhere") is None


def test_what_is_parsed_is_triggered_at_once(dags: Path) -> None:
    """Nothing is asked for."""
    airflow = FakeAirflow(parsed_at=EDITED + 1)

    prepare(airflow, dags)

    assert airflow.asked == []
    assert not airflow.paused


def test_a_parse_that_began_before_the_edit_does_not_count(dags: Path) -> None:
    """Airflow notes when it was done, and how long it took."""
    airflow = FakeAirflow(parsed_at=EDITED + 0.4, parse=lambda airflow: setattr(airflow, "parsed_at", EDITED + 2))

    prepare(airflow, dags)

    assert airflow.asked == ["token"]


def test_an_edit_that_does_not_import_is_said_at_once(dags: Path) -> None:
    """The error is newer than the edit: waiting would not help."""
    error = {"filename": "made.py", "stack_trace": "SyntaxError: no", "timestamp": moment(EDITED + 1)}

    def parse(airflow: FakeAirflow) -> None:
        airflow.broken, airflow.errors = True, [error]

    airflow = FakeAirflow(parsed_at=EDITED - 50, parse=parse)

    with pytest.raises(ConfigurationError, match="some DAG files do not import") as raised:
        prepare(airflow, dags)
    assert "SyntaxError: no" in raised.value.why
    assert airflow.paused


def test_a_mended_file_is_waited_for(dags: Path) -> None:
    """The error is that of the file as it was before."""
    error = {"filename": "made.py", "stack_trace": "SyntaxError: no", "timestamp": moment(EDITED - 1)}

    def parse(airflow: FakeAirflow) -> None:
        airflow.broken, airflow.errors, airflow.parsed_at = False, [], EDITED + 1

    airflow = FakeAirflow(parsed_at=EDITED - 50, broken=True, errors=[error], parse=parse)

    prepare(airflow, dags)

    assert not airflow.paused


def test_an_edit_that_is_never_parsed_is_an_error_that_names_it(dags: Path) -> None:
    """Better than a run of what the file was before."""
    with pytest.raises(ServiceNotHealthy, match="has not parsed made since its last edit") as raised:
        prepare(FakeAirflow(parsed_at=EDITED - 50), dags)
    assert str(dags / "helpers" / "names.py") in raised.value.why


def inactive(dag_id: str, *, until: int) -> dict[str, Any]:
    return {"name": "thing", "uri": "x-test://new", "producing_tasks": [{"dag_id": dag_id}], "until": until}


@pytest.mark.parametrize(
    ("asset", "looks"), [(inactive("made", until=3), range(3, 4)), (inactive("other", until=99), range(1, 2))]
)
def test_an_asset_whose_uri_was_edited_is_waited_for(dags: Path, asset: dict[str, Any], looks: range) -> None:
    """Its producer would fail before it is active; what other DAGs publish does not matter."""
    airflow = FakeAirflow(parsed_at=EDITED + 1, inactive=[asset])

    prepare(airflow, dags)

    assert airflow.looks in looks


def test_an_asset_that_never_becomes_active_is_left_to_airflow(dags: Path) -> None:
    """Two of one name: the task may never publish it."""
    airflow = FakeAirflow(parsed_at=EDITED + 1, inactive=[inactive("made", until=99)])

    prepare(airflow, dags)

    assert airflow.looks > 1
    assert not airflow.paused


def renamed(name: str, *, file: str = "made.py") -> dict[str, Any]:
    return {"dag_id": name, "relative_fileloc": file, "last_parsed_time": moment(EDITED + 2)}


def test_a_renamed_dag_is_said_at_once(dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file was parsed since the edit, and defines another one: waiting would not help."""
    monkeypatch.setattr(start, "PARSE_SECONDS", 60.0)

    def parse(airflow: FakeAirflow) -> None:
        airflow.listed = [renamed("elsewhere", file="other.py"), renamed("remade")]

    with pytest.raises(NothingSelected, match=r"^made.py does not define the DAG made any more") as raised:
        prepare(FakeAirflow(parsed_at=EDITED - 50, parse=parse), dags)
    assert raised.value.why == "it defines: remade"
    assert raised.value.next_command == "sandbox run remade"


def test_a_renamed_consumer_holds_nothing_up(dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow names the old one as the asset's consumer for a while, and would start it: it is paused."""
    airflow = FakeAirflow(parsed_at=EDITED + 1)
    old = {"is_stale": False, "is_paused": False, "has_import_errors": False, "relative_fileloc": "late.py"}
    old |= {"last_parsed_time": moment(EDITED - 50), "file_token": "late"}
    real = airflow.dag
    asset = {"uri": "x", "scheduled_dags": [{"dag_id": "old"}], "producing_tasks": [{"dag_id": "made"}]}
    monkeypatch.setattr(airflow, "assets", lambda: [asset])
    monkeypatch.setattr(airflow, "dag", lambda dag_id: old if dag_id == "old" else real(dag_id))
    airflow.listed = [{"dag_id": "old", **old}, renamed("new", file="late.py")]
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(airflow, "set_paused", lambda dag_id, *, paused: asked.append((dag_id, paused)))

    prepare(airflow, dags)

    assert asked == [("old", True), ("made", False)]


def test_an_error_in_another_file_does_not_shorten_the_wait(dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The DAG itself is fine, and only has to be parsed again."""
    monkeypatch.setattr(start, "MENDED_SECONDS", 0.0)
    monkeypatch.setattr(start, "PARSE_SECONDS", 5.0)
    error = {"filename": "other.py", "stack_trace": "SyntaxError: no", "timestamp": moment(EDITED + 1)}
    airflow = FakeAirflow(parsed_at=EDITED - 50, errors=[error])
    looks = iter([EDITED - 50] * 4)
    real = airflow.dag

    def dag(dag_id: str) -> dict[str, Any] | None:
        airflow.parsed_at = next(looks, EDITED + 1)
        return real(dag_id)

    monkeypatch.setattr(airflow, "dag", dag)

    prepare(airflow, dags)

    assert not airflow.paused


def test_a_consumer_whose_file_is_gone_holds_nothing_up(dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow keeps it as stale."""
    airflow = FakeAirflow(parsed_at=EDITED + 1)
    gone = {"is_stale": True, "is_paused": True, "has_import_errors": False}
    real = airflow.dag
    asset = {"uri": "x", "scheduled_dags": [{"dag_id": "gone"}], "producing_tasks": [{"dag_id": "made"}]}
    monkeypatch.setattr(airflow, "assets", lambda: [asset])
    monkeypatch.setattr(airflow, "dag", lambda dag_id: gone if dag_id == "gone" else real(dag_id))

    prepare(airflow, dags)

    assert not airflow.paused


def test_a_dag_that_does_not_exist_is_named(dags: Path) -> None:
    """With those that do."""
    with pytest.raises(NothingSelected, match="does not know a DAG made"):
        prepare(FakeAirflow(parsed_at=EDITED + 1, known=False), dags)


def test_a_second_dag_run_of_a_logical_date_says_why_not() -> None:
    """Airflow answers 409; other answers stay what they are."""
    day = datetime(2024, 5, 1, tzinfo=UTC)

    class Refusing:
        def trigger(self, dag_id: str, conf: dict[str, Any], *, logical_date: datetime | None) -> str:
            raise ApiAnswer("airflow", "POST", "http://a", httpx.Response(409, text="DagRun exists"))

    airflow = cast("AirflowClient", Refusing())

    with pytest.raises(ConfigurationError, match="made has a dag_run of 2024-05-01"):
        start.trigger(airflow, "made", {}, logical_date=day)
    with pytest.raises(ApiAnswer):
        start.trigger(airflow, "made", {})


def test_a_conf_that_airflow_refuses_is_named() -> None:
    """A param of another type is the caller's mistake, not a broken Airflow."""

    class Refusing:
        def trigger(self, dag_id: str, conf: dict[str, Any], *, logical_date: datetime | None) -> str:
            text = json.dumps({"detail": "Invalid input for param n: 'x' is not of type 'integer'\n\nOn instance:"})
            raise ApiAnswer("airflow", "POST", "http://a", httpx.Response(400, text=text))

    with pytest.raises(ConfigurationError, match=r"""does not start made with --conf '\{"n": "x"\}'""") as raised:
        start.trigger(cast("AirflowClient", Refusing()), "made", {"n": "x"})
    assert raised.value.why.startswith("Invalid input for param n: 'x' is not of type 'integer'\n")


def test_what_an_alias_triggers_is_downstream() -> None:
    """Tasks add assets to it while they run: before that, only the graph of dependencies knows who waits for it."""
    graph = {
        "nodes": [
            {"id": "dag:made", "label": "made", "type": "dag"},
            {"id": "asset-alias:a", "label": "a", "type": "asset-alias"},
            {"id": "asset:7", "label": "x", "type": "asset"},
        ],
        "edges": [
            {"source_id": "dag:made", "target_id": "asset-alias:a"},
            {"source_id": "asset-alias:a", "target_id": "asset:7"},
            {"source_id": "asset-alias:a", "target_id": "dag:by_alias"},
            {"source_id": "asset:7", "target_id": "dag:by_asset"},
        ],
    }
    assets = [{"uri": "x", "consuming_dags": [{"dag_id": "last"}], "producing_tasks": [{"dag_id": "by_alias"}]}]

    class Airflow:
        def assets(self) -> list[dict[str, Any]]:
            return assets

        def dependencies(self) -> dict[str, Any]:
            return graph

    found = sources(cast("AirflowClient", Airflow()))

    assert [(source.name, source.stands_for) for source in found] == [
        ("x", frozenset()),
        ("the alias a", frozenset({7})),
    ]
    assert start.downstream("made", found) == ["by_alias", "last"]


def test_an_airflow_that_tells_of_no_aliases() -> None:
    """The assets are known all the same."""

    class Airflow:
        def assets(self) -> list[dict[str, Any]]:
            return [{"uri": "x", "producing_tasks": [], "scheduled_dags": [{"dag_id": "b"}]}]

        def dependencies(self) -> dict[str, Any]:
            raise ApiAnswer("airflow", "GET", "/ui/dependencies", httpx.Response(404))

    assert [source.name for source in sources(cast("AirflowClient", Airflow()))] == ["x"]
