"""Loading Clay: table rows, callbacks from the inbox, our submissions and lookups, and dropped CSV exports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import dlt
import sqlalchemy as sa
from rich.progress import Progress

from pipelines.campaign_map import REPLIES_TABLE, read_campaign_map
from pipelines.clay.client import ClayClient, UnknownTableError
from pipelines.clay.csv_exports import CsvExports
from pipelines.clay.drop_folder import DropFolder
from pipelines.clay.tables import (
    CALLBACK_COLUMNS,
    CALLBACK_EVENTS,
    CSV_ROWS,
    LOOKUPS,
    SUBMISSIONS,
    TABLE_ROWS,
    lookup_row,
    table_row,
)
from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.inbox.clay import SOURCE
from pipelines.inbox.loading import load_events
from pipelines.landing import land
from pipelines.raw_tables import Reads, Row
from pipelines.service_clock import latest_service_time
from pipelines.store import open_store, reading
from pipelines.store_tables import clay_lookups, clay_submissions

DATASET = "raw_clay"
LOADED_FILES = "loaded_files"


def load_clay(settings: Settings, progress: Progress, *, sleep: Callable[[float], None] = time.sleep) -> dict[str, int]:
    """Load Clay into ``raw_clay`` and return the rows landed per table. The caller holds the warehouse lock.

    Without an API key, table rows are left out: callbacks and CSV exports bring the same values. CSV files are put away
    once their rows are in the warehouse; after a crash in between, their content is known and only put away.

    Raises:
        ConfigurationError: Clay refuses the key.
        ServiceError: Clay cannot be reached or stays busy.
        DataError: an answer has an unknown shape, or a CSV file cannot be used; in the latter case everything else
            was loaded.
        StoreError: the operational store or the warehouse cannot be used.
    """
    csv_exports = CsvExports(DropFolder(settings.data_dir, sleep=sleep))
    reader = _Reader(settings, open_store(settings), progress, csv_exports)
    resources = [
        TABLE_ROWS.resource(reader.table_rows),
        SUBMISSIONS.resource(reader.submissions),
        LOOKUPS.resource(reader.lookups),
        CSV_ROWS.resource(reader.csv_rows),
    ]
    counts = land(settings, DATASET, resources)
    counts[CALLBACK_EVENTS.name] = reader.callbacks()
    counts |= land(settings, DATASET, [reader.reads.resource()])
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
    """Reads everything of Clay for one load."""

    def __init__(self, settings: Settings, engine: sa.Engine, progress: Progress, csv_exports: CsvExports) -> None:
        self.engine = engine
        self.reads = Reads()
        self.csv_exports = csv_exports
        self._settings = settings
        self._progress = progress
        self._tables = [campaign.clay_table_id for campaign in read_campaign_map(settings.project_dir)]
        self._now = latest_service_time(settings)

    def table_rows(self) -> Iterator[Sequence[Row]]:
        clay = self._settings.clay
        if clay is None or clay.api_key is None:
            self._note("Clay: table rows are left out, because no API key is configured.")
            return
        tables = [*dict.fromkeys(self._tables), REPLIES_TABLE]
        task = self._progress.add_task("Clay: tables", total=len(tables))
        with ClayClient(clay) as client:
            for table_id in tables:
                yield from self._rows_of_table(client, table_id)
                self._progress.advance(task)

    def submissions(self) -> Iterator[Sequence[Row]]:
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(clay_submissions)).mappings().all()
        self.reads.add(SUBMISSIONS, self._now, len(rows))
        yield [dict(row) for row in rows]

    def lookups(self) -> Iterator[Sequence[Row]]:
        return _lookups(self.engine, self.reads, self._now)

    def csv_rows(self) -> Iterator[Sequence[Row]]:
        loaded: dict[str, str] = dlt.current.resource_state().setdefault(LOADED_FILES, {})
        self.reads.add(CSV_ROWS, self._now, 0)
        for rows in self.csv_exports.rows(loaded, self._note):
            self.reads.add(CSV_ROWS, self._now, len(rows))
            yield rows

    def callbacks(self) -> int:
        rows = load_events(self._settings, self.engine, SOURCE, DATASET, CALLBACK_EVENTS, CALLBACK_COLUMNS)
        self.reads.add(CALLBACK_EVENTS, self._now, rows)
        return rows

    def _rows_of_table(self, client: ClayClient, table_id: str) -> Iterator[Sequence[Row]]:
        try:
            for page in client.table_rows(table_id):
                rows = [table_row(table_id, content) for content in page.rows]
                self._read_until(page.read_at, len(rows))
                yield rows
        except UnknownTableError:
            self._note(f"Clay has no table {table_id}: nothing is loaded from it.")

    def _read_until(self, read_at: datetime, rows: int) -> None:
        self.reads.add(TABLE_ROWS, read_at, rows)

    def _note(self, text: str) -> None:
        self._progress.console.print(text, style="yellow", highlight=False)
