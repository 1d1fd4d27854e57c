"""Reading the published marts for many viewers at once, while the pointer may move at any moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.publish import PublishedVersion, prepare_reader, published_version
from pipelines.warehouse import connect_read_only

Row = dict[str, Any]
BATCH = 2_000


@dataclass(frozen=True)
class Reader:
    """One request's view: every query of it sees the same version."""

    version: PublishedVersion
    _cursor: duckdb.DuckDBPyConnection

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """All rows of a query; parameters that the query does not name are left out.

        Raises:
            DataError: the published file lacks a table or a column that the query needs.
        """
        return [row for batch in self.batches(sql, parameters)[1] for row in batch]

    def batches(self, sql: str, parameters: Mapping[str, Any] | None = None) -> tuple[list[str], Iterator[list[Row]]]:
        """The columns of a query, and its rows some thousand at a time: a large download takes little memory."""
        named = {name: value for name, value in (parameters or {}).items() if f"${name}" in sql}
        try:
            self._cursor.execute(sql, named)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise DataError(
                f"{self.version.file.name}, built {self.version.built_at:%Y-%m-%d %H:%M} UTC, does not fit this"
                f" program: {str(error).splitlines()[0].rstrip('!')}.",
                next_step="Run outreach build to publish the marts anew.",
            ) from None
        columns = [column[0] for column in self._cursor.description or ()]
        return columns, self._fetched(columns)

    def _fetched(self, columns: list[str]) -> Iterator[list[Row]]:
        while found := self._cursor.fetchmany(BATCH):
            yield [dict(zip(columns, values, strict=True)) for values in found]


class Marts:
    """The published marts. One DuckDB instance for the version in force, one cursor for each request.

    A version that is no longer in force is let go; whoever still reads it keeps it open until the end of the request.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._open: tuple[PublishedVersion, duckdb.DuckDBPyConnection] | None = None

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader on the version that the pointer names now.

        Raises:
            DataError: nothing is published, or its file is missing.
            StoreError: the file cannot be opened.
        """
        version, cursor = self._cursor()
        try:
            prepare_reader(cursor)
            yield Reader(version, cursor)
        finally:
            cursor.close()

    def _cursor(self) -> tuple[PublishedVersion, duckdb.DuckDBPyConnection]:
        with self._lock:
            version = published_version(self._settings)
            if self._open is None or self._open[0] != version:
                opened = connect_read_only(version.file)
                if self._open is not None:
                    self._open[1].close()
                self._open = (version, opened)
            return version, self._open[1].cursor()
