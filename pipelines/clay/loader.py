"""Loading Clay: table rows, callbacks from the inbox, our submissions and lookups, and dropped CSV exports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import dlt
import sqlalchemy as sa
from dlt.extract import DltResource
from rich.progress import Progress

from pipelines.campaign_map import read_campaign_map
from pipelines.clay.client import ClayClient, UnknownTableError
from pipelines.clay.csv_exports import CsvExports
from pipelines.clay.drop_folder import DropFolder
from pipelines.clay.tables import (
    CALLBACK_COLUMNS,
    CALLBACK_EVENTS,
    CSV_ROWS,
    LOOKUPS,
    SET_ASIDE,
    SUBMISSIONS,
    TABLE_ROWS,
    lookup_row,
    set_aside_row,
    table_row,
)
from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.inbox.clay import SOURCE
from pipelines.inbox.loading import InboxLoad
from pipelines.landing import land
from pipelines.raw_tables import SEEN_AT, Reads, Row
from pipelines.service_clock import latest_service_time
from pipelines.store import open_store, reading
from pipelines.store_tables import clay_lookups, clay_submissions

DATASET = "raw_clay"
LOADED_FILES = "loaded_files"


def load_clay(settings: Settings, progress: Progress, *, sleep: Callable[[float], None] = time.sleep) -> dict[str, int]:
    """Load Clay into ``raw_clay`` and return the rows landed per table. The caller holds the warehouse lock.

    Without an API key, table rows are left out: callbacks and CSV exports bring the same values. Callbacks are loaded
    before the tables, also when those cannot be read, and once more after them. A row without an id is set aside, and
    the others go on (R6). CSV files are put away once their rows are in the warehouse; after a crash in between, their
    content is known and only put away.

    Raises:
        ConfigurationError: Clay refuses the key.
        ServiceError: Clay cannot be reached or stays busy.
        DataError: an answer has an unknown shape, or a CSV file cannot be used; in the latter case everything else
            was loaded.
        StoreError: the operational store or the warehouse cannot be used, or the store is older than the warehouse.
    """
    csv_exports = CsvExports(DropFolder(settings.data_dir, sleep=sleep))
    engine = open_store(settings)
    reader = _Reader(settings, engine, progress, csv_exports)
    callbacks = InboxLoad(settings, engine, SOURCE, DATASET, CALLBACK_EVENTS, CALLBACK_COLUMNS)
    callbacks.begin()
    with callbacks.although_the_poll_fails():
        counts = land(settings, DATASET, reader.resources())
    counts |= callbacks.finish(reader.reads, reader.now)
    problems = csv_exports.put_away()
    if problems:
        raise DataError(
            " ".join(error.message for error in problems) + " Everything else was loaded.",
            next_step=problems[0].next_step,
        )
    return counts


def load_lookups(settings: Settings) -> dict[str, int]:
    """Load what Clay was asked about people and companies, and return the rows landed. The caller holds the lock.

    Raises:
        StoreError: the operational store or the warehouse cannot be used.
    """
    reads, engine, now = Reads(), open_store(settings), latest_service_time(settings)
    return land(settings, DATASET, [LOOKUPS.resource(lambda: _lookups(engine, reads, now)), reads.resource()])


def _lookups(engine: sa.Engine, reads: Reads, now: datetime) -> Iterator[Sequence[Row]]:
    with reading(engine) as connection:
        rows = connection.execute(sa.select(clay_lookups)).mappings().all()
    reads.add(LOOKUPS, now, len(rows))
    yield [lookup_row(row) for row in rows]


class _Reader:
    """Reads everything of Clay for one load, but the callbacks."""

    def __init__(self, settings: Settings, engine: sa.Engine, progress: Progress, csv_exports: CsvExports) -> None:
        self.now = latest_service_time(settings)
        self.reads = Reads()
        self._engine = engine
        self._csv_exports = csv_exports
        self._set_aside: dict[tuple[str, str], Row] = {}
        self._settings = settings
        self._progress = progress
        self._tables = [campaign.clay_table_id for campaign in read_campaign_map(settings.project_dir)]

    def resources(self) -> list[DltResource]:
        """One resource per table, to be landed together."""
        return [
            TABLE_ROWS.resource(self._table_rows),
            SET_ASIDE.resource(self._rows_set_aside).apply_hints(write_disposition="replace"),
            SUBMISSIONS.resource(self._submissions),
            LOOKUPS.resource(lambda: _lookups(self._engine, self.reads, self.now)),
            CSV_ROWS.resource(self._csv_rows),
        ]

    def _table_rows(self) -> Iterator[Sequence[Row]]:
        clay = self._settings.clay
        if clay is None or clay.api_key is None:
            self._note("Clay: table rows are left out, because no API key is configured.")
            return
        tables = [*dict.fromkeys(self._tables), clay.replies_table]
        task = self._progress.add_task("Clay: tables", total=len(tables))
        with ClayClient(clay) as client:
            for table_id in tables:
                yield from self._rows_of_table(client, table_id)
                self._progress.advance(task)

    def _rows_of_table(self, client: ClayClient, table_id: str) -> Iterator[Sequence[Row]]:
        try:
            for number, page in enumerate(client.table_rows(table_id), start=1):
                rows = [
                    table_row(table_id, content, f", page {number}, row {place}")
                    for place, content in enumerate(page.rows, start=1)
                ]
                odd = [set_aside_row(row, page.read_at) for row in rows if row["problem"]]
                self._set_aside |= {(table_id, row["record_hash"]): row for row in odd}  # a scan may show it twice
                self.reads.add(TABLE_ROWS, page.read_at, len(rows) - len(odd))
                began_at = self.reads.tables[TABLE_ROWS.name].read_at
                yield [{**row, SEEN_AT: began_at} for row in rows if not row["problem"]]
        except UnknownTableError:
            self._note(f"Clay has no table {table_id}: nothing is loaded from it.")

    def _rows_set_aside(self) -> Iterator[Sequence[Row]]:
        rows = list(self._set_aside.values())
        for table_id, of_table in groupby(rows, key=itemgetter("table_id")):
            problems = [row["problem"] for row in of_table]
            self._note(
                f"Clay: {len(problems):,} rows of table {table_id} could not be read and are in set_aside_records."
                f" The first is {problems[0]}"
            )
        if tables := self.reads.tables.get(TABLE_ROWS.name):
            self.reads.add(SET_ASIDE, tables.read_at, len(rows))
        yield rows

    def _submissions(self) -> Iterator[Sequence[Row]]:
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(clay_submissions)).mappings().all()
        self.reads.add(SUBMISSIONS, self.now, len(rows))
        yield [dict(row) for row in rows]

    def _csv_rows(self) -> Iterator[Sequence[Row]]:
        loaded: dict[str, str] = dlt.current.resource_state().setdefault(LOADED_FILES, {})
        self.reads.add(CSV_ROWS, self.now, 0)
        for rows in self._csv_exports.rows(loaded, self._note):
            self.reads.add(CSV_ROWS, self.now, len(rows))
            yield rows

    def _note(self, text: str) -> None:
        self._progress.console.print(text, style="yellow", highlight=False)
