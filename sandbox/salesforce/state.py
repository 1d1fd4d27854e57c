"""The state of both orgs: one DuckDB file, one lock, one clock; every change is one transaction with its own second."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from sandbox.pandas_absent import answer_for_pandas
from sandbox.world.clock import WorldClock
from sandbox.world.plan import Plan
from sandbox.world.population import DATABASE

answer_for_pandas()

SCHEMA = """
    create table if not exists world.field_writes (
        org text, object text, record_id text, field text, old_value text, new_value text, user_id text,
        written_at timestamp, client text
    );
    create table if not exists world.events (
        org text, happened_at timestamp, kind text, record_id text, other_id text
    );
    create table if not exists world.follow_ups (
        org text, member_id text, seen_on date, call_on date, convert_on date, called_at timestamp,
        converted_at timestamp
    );
    create table if not exists world.hard_deletions (org text, object text, record_id text, deleted_at timestamp);
"""


class State:
    """The open database. Requests take turns: ``reading`` and ``writing`` hold the lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._connection = duckdb.connect(str(directory / DATABASE))
        self._connection.execute(SCHEMA)
        self._lock = threading.RLock()
        self._is_writing = False
        seed, leads, started_at, now = self.row("select seed, leads, started_at, now from world.settings")
        self.clock = WorldClock(now.replace(tzinfo=UTC))
        self.plan = Plan.of(leads, seed, started_at.replace(tzinfo=UTC))

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.clock.now

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection, for reading only."""
        with self._lock:
            yield self._connection

    def snapshot(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own, to be closed by the caller: it sees the state as it is now, and holds no lock."""
        with self._lock:
            connection = self._connection.cursor()
        connection.execute("begin")
        connection.execute("select now from world.settings")  # a transaction sees what is there when it first reads
        return connection

    @contextmanager
    def writing(self) -> Iterator[datetime]:
        """A transaction at its own second, which is given; undone when an error passes through.

        Inside another one it is a part of that, at a second of its own.
        """
        with self._lock:
            if self._is_writing:
                yield self.clock.tick().replace(tzinfo=None)
                return
            before = self.clock.now
            self._connection.execute("begin")
            self._is_writing = True
            try:
                yield self.clock.tick().replace(tzinfo=None)
                self._connection.execute("update world.settings set now = ?", [self.clock.now.replace(tzinfo=None)])
                self._connection.execute("commit")
            except BaseException:
                self._connection.execute("rollback")
                self.clock.now = before
                raise
            finally:
                self._is_writing = False

    def execute(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Run a statement."""
        with self._lock:
            self._connection.execute(query, parameters)

    def rows(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            rows: list[tuple[Any, ...]] = self._connection.execute(query, parameters).fetchall()
            return rows

    def row(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> tuple[Any, ...]:
        """The one row of a query that has one."""
        return self.rows(query, parameters)[0]

    def next_number(self, org: str, kind: str, count: int = 1) -> int:
        """The number of the first of some new records; ids are made of it."""
        self.execute("update world.counters set last = last + ? where org = ? and kind = ?", [count, org, kind])
        (last,) = self.row("select last from world.counters where org = ? and kind = ?", [org, kind])
        return int(last) - count + 1

    def close(self) -> None:
        """Write everything into the file and close it."""
        with self._lock:
            self._connection.close()
