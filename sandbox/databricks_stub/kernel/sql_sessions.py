"""The Spark sessions behind statements: one that all share, and one for each client that opened one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.databricks_stub.kernel.sql_text.quoting import quoted

MOST_SESSIONS = 64
"""Clients that were killed close nothing: of more than this many, the one that has been quiet for longest is ended."""
# Documented: https://docs.databricks.com/sql/language-manual/parameters - what a session of a SQL warehouse can be told
RENAMED = {
    "ansi_mode": "spark.sql.ansi.enabled",
    "legacy_time_parser_policy": "spark.sql.legacy.timeParserPolicy",
    "timezone": "spark.sql.session.timeZone",
}
FORGOTTEN = frozenset(
    {
        "enable_photon",
        "max_file_partition_bytes",
        "query_tags",
        "read_only_external_metastore",
        "statement_timeout",
        "use_cached_result",
    }
)
"""Of the warehouse, not of what statements mean."""
FORGOTTEN_PREFIX = "spark.thriftserver."


@dataclass(kw_only=True)
class SqlSession:
    """A Spark session; its statements run one after the other, those of different sessions side by side."""

    spark: Any
    lock: threading.Lock = field(default_factory=threading.Lock)


class SqlSessions:
    """All sessions of this process; a statement that names none has the shared one. Safe for several threads."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._shared: SqlSession | None = None
        self._named: dict[str, SqlSession] = {}
        self._running: dict[str, Any] = {}

    def shared(self) -> SqlSession:
        """The session of statements that name none; made with the first of them."""
        with self._lock:
            self._shared = self._shared or SqlSession(spark=self._make())
            return self._shared

    def named(self, session_id: str) -> SqlSession:
        """A session that was opened; raises LookupError when it is gone, with all that was set in it."""
        with self._lock:
            found = self._named.pop(session_id, None)
            if found is None:
                raise LookupError(
                    f"[INVALID_HANDLE.SESSION_NOT_FOUND] Session {session_id} has ended: with the engine, or as the "
                    f"quietest of more than {MOST_SESSIONS}. Connect again."
                )
            self._named[session_id] = found  # the last used is the last one
            return found

    def open(self, session_id: str, *, catalog: str, schema: str | None, configuration: Mapping[str, str]) -> None:
        """Begin a session; raises what the engine says of the catalog, the schema or a setting."""
        told = settings(configuration)
        with self._lock:  # what a session installs in this process is installed once
            spark = self._make()
        spark.catalog.setCurrentCatalog(catalog)
        if schema is not None:
            spark.sql(f"USE SCHEMA {quoted(schema)}")
        for name, value in told.items():
            spark.conf.set(name, value)
        with self._lock:
            self._named[session_id] = SqlSession(spark=spark)
            surplus = list(self._named)[:-MOST_SESSIONS]
        for quietest in surplus:
            self.close(quietest)

    def close(self, session_id: str) -> None:
        """End a session and what the engine keeps for it."""
        with self._lock:
            found = self._named.pop(session_id, None)
        if found is not None:
            found.spark.client.release_session()
            found.spark.client.close()

    @contextmanager
    def running(self, statement_id: str, spark: Any) -> Iterator[None]:
        """While a statement runs, in this thread, `interrupt` ends it."""
        spark.addTag(statement_id)
        with self._lock:
            self._running[statement_id] = spark
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(statement_id, None)
            spark.removeTag(statement_id)

    def interrupt(self, statement_id: str) -> None:
        """End a statement, if it runs."""
        with self._lock:
            spark = self._running.get(statement_id)
        if spark is not None:
            spark.interruptTag(statement_id)

    def forget(self) -> None:
        """The engine that knew all of these has ended."""
        with self._lock:
            self._shared = None
            self._named.clear()


def settings(configuration: Mapping[str, str]) -> dict[str, str]:
    """What of a client's session configuration the engine is told; raises ValueError for what nobody knows."""
    found = {}
    for name, value in configuration.items():
        plain = name.lower()
        if plain in FORGOTTEN or plain.startswith(FORGOTTEN_PREFIX):
            continue
        if "." not in plain and plain not in RENAMED:
            raise ValueError(f"[CONFIG_NOT_AVAILABLE] Configuration {name} is not available.")
        found[RENAMED.get(plain, name)] = value
    return found
