"""One SQLite file per service: the state of the Smartlead and the Clay double, kept across requests and restarts."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.world.clock import WORLD_START, WorldClock

Row = dict[str, Any]


class Database:
    """A service's state. One transaction at a time; what is committed survives the process."""

    def __init__(self, file: Path, schema: str) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript("pragma journal_mode = wal; pragma synchronous = normal;")
        self._connection.executescript("create table if not exists settings (name text primary key, value text);")
        self._connection.executescript(schema)
        started_at = self.setting("now", WORLD_START.isoformat())
        self.clock = WorldClock(datetime.fromisoformat(started_at))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens or nothing does; the clock is kept with it."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield
                self.set("now", self.clock.now.isoformat())
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(query, parameters)]

    def row(self, query: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        with self._lock:
            row = self._connection.execute(query, parameters).fetchone()
        return dict(row) if row else None

    def value(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.row(query, parameters)
        return next(iter(row.values())) if row else None

    def columns(self, query: str) -> list[str]:
        """The columns of a query."""
        with self._lock:
            return [column[0] for column in self._connection.execute(f"{query} limit 0").description]

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return the number of rows it touched."""
        with self._lock:
            return self._connection.execute(statement, parameters).rowcount

    def insert(self, table: str, row: Row) -> None:
        """Add a row; lists and dictionaries are kept as JSON."""
        values = [json.dumps(v) if isinstance(v, dict | list) else v for v in row.values()]
        places = ", ".join("?" * len(row))
        self.execute(f"insert into {table} ({', '.join(row)}) values ({places})", values)

    def setting(self, name: str, default: str) -> str:
        """A kept setting."""
        value = self.value("select value from settings where name = ?", [name])
        return default if value is None else str(value)

    def set(self, name: str, value: str) -> None:
        """Keep a setting."""
        self.execute("insert or replace into settings values (?, ?)", [name, value])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
