"""Inbox events on their way into the warehouse: each once, in one transaction of DuckDB.

An event never changes and its number only grows. So the greatest number in the warehouse says what is loaded, a killed
load leaves nothing behind, and dlt, whose merge would write every event twice, is not needed. A store that was restored
from a backup gives numbers out again; so the last event in the warehouse must still be the one that the store has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import OutreachError, StoreError
from pipelines.inbox.events import events_after, holds
from pipelines.landing import land
from pipelines.raw_tables import INTEGER, TEXT, TIME, RawTable, Reads
from pipelines.service_clock import latest_service_time
from pipelines.store_tables import inbox_events
from pipelines.warehouse import connect_read_only

# DuckDB commits the bodies of 2,048 events at once, however large; a million of the usual size need no gigabyte.
MEMORY_LIMIT = "4GB"
TYPES = {"event_id": INTEGER, "received_at": TIME}
EVENTS = pa.schema([(column.name, TYPES.get(column.name, TEXT)) for column in inbox_events.columns])
# The body where it is a JSON object, as every reader after us will parse it; else the reason why there is none.
READABLE = """
    select
        * exclude (body, parse_error, is_object),
        case when is_object then body end as payload,
        coalesce(parse_error, case when not is_object then 'not a JSON object' end) as parse_error
    from (
        select *, case when json_valid(body) then json_type(body) = 'OBJECT' else false end as is_object from events
    )
"""


def load_events(settings: Settings, engine: sa.Engine, source: str, dataset: str, table: RawTable, columns: str) -> int:
    """Load the events of a source that are not in the warehouse yet, and return how many there were.

    ``columns`` is the SQL that makes a row of the table from an event of the inbox, whose ``payload`` is null where its
    body is no JSON object. The caller holds the warehouse lock.

    Raises:
        StoreError: the operational store cannot be read or is older than the warehouse, or the warehouse cannot be
            written; nothing is loaded.
    """
    name = f"{dataset}.{table.name}"
    failures: list[BaseException] = []
    try:
        with duckdb.connect(str(settings.warehouse_path), config={"memory_limit": MEMORY_LIMIT}) as warehouse:
            last_event_id, last_key = _last_event(warehouse, dataset, name, table)
            if last_event_id and not holds(engine, source, last_event_id, last_key):
                raise older_store(settings, f"event {last_event_id} of {source}")
            events = _stream(engine, source, last_event_id, failures)
            warehouse.register("events", events)
            sql = f"insert into {name} by name select {columns} from ({READABLE})"  # noqa: S608  our own SQL
            row = warehouse.execute(sql).fetchone()
            return int(row[0]) if row else 0
    except duckdb.Error as error:
        if failures:
            raise failures[0] from None
        raise StoreError(
            f"Loading into {settings.warehouse_path} failed: {error}.",
            next_step="Check free disk space and that nothing else has the file open, then run the command again.",
        ) from error


@dataclass
class InboxLoad:
    """What one load takes out of the inbox: before its source is polled, although that fails, and once more after it.

    Args:
        settings: where the warehouse is; the caller holds its lock.
        engine: the operational store.
        source: whose events.
        dataset: where they go.
        table: the raw table there.
        columns: how DuckDB makes its columns, as for :func:`load_events`.

    Raises (all methods):
        LockedError: another process has the warehouse open.
        StoreError: as :func:`load_events`.
    """

    settings: Settings
    engine: sa.Engine
    source: str
    dataset: str
    table: RawTable
    columns: str
    is_first: bool = field(default=False, init=False)
    _arrived: int = field(default=0, init=False)

    def begin(self) -> None:
        """Load what is there, unless this is the first load of the dataset into this warehouse."""
        self.is_first = not is_loaded(self.settings, self.dataset)
        if not self.is_first:
            self._take()

    @contextmanager
    def although_the_poll_fails(self) -> Iterator[None]:
        """Load what arrives during a poll that fails; one that goes well calls :meth:`finish` itself."""
        try:
            yield
        except OutreachError:
            if not self.is_first:
                self.finish_without_poll()
            raise

    def finish(self, reads: Reads, read_at: datetime) -> dict[str, int]:
        """Load what has arrived since, and then the readings, among which all that arrived is counted."""
        self._take()
        reads.add(self.table, read_at, self._arrived)
        return {self.table.name: self._arrived} | land(self.settings, self.dataset, [reads.resource()])

    def finish_without_poll(self) -> dict[str, int]:
        """The same where nothing else was read."""
        return self.finish(Reads(), latest_service_time(self.settings))

    def _take(self) -> None:
        self._arrived += load_events(self.settings, self.engine, self.source, self.dataset, self.table, self.columns)


def is_loaded(settings: Settings, dataset: str) -> bool:
    """Whether the warehouse has anything of a dataset. The caller holds the warehouse lock.

    Before dlt has landed a dataset in a new warehouse, no events may: it would take what it remembers of another
    warehouse for what this one holds.
    """
    if not settings.warehouse_path.exists():
        return False
    with connect_read_only(settings.warehouse_path) as warehouse:
        query = "select 1 from duckdb_schemas() where database_name = current_database() and schema_name = ?"
        return warehouse.execute(query, [dataset]).fetchone() is not None


def older_store(settings: Settings, what: str) -> StoreError:
    """The error that the store does not have what the warehouse had from it; ``what`` says what, with its number."""
    return StoreError(
        f"The operational store has no {what}, the last one in {settings.warehouse_path}, or another one under that"
        " number: it is older than the warehouse, as after a backup was restored.",
        next_step=f"Move {settings.warehouse_path} away and keep it: what the store has lost is only there. Then run"
        " outreach load all and outreach build --full-refresh; docs/runbook.md says what else.",
    )


def _last_event(warehouse: duckdb.DuckDBPyConnection, dataset: str, name: str, table: RawTable) -> tuple[int, str]:
    """Number and key of the last event that is loaded, 0 and nothing before the first; the table is there then."""
    warehouse.execute(f"create schema if not exists {dataset}")
    warehouse.register("no_rows", table.schema.empty_table())
    warehouse.execute(f"create table if not exists {name} as from no_rows")
    query = f"select event_id, dedupe_key from {name} order by event_id desc limit 1"  # noqa: S608  our own names
    row = warehouse.execute(query).fetchone()
    return (int(row[0]), str(row[1])) if row else (0, "")


def _stream(engine: sa.Engine, source: str, last_event_id: int, failures: list[BaseException]) -> pa.RecordBatchReader:
    """The events as DuckDB reads them; why reading has failed is kept, because DuckDB would make a text of it."""

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for rows in events_after(engine, source, last_event_id):
                columns = zip(EVENTS.types, zip(*rows, strict=True), strict=True)
                yield pa.record_batch([pa.array(values, kind) for kind, values in columns], schema=EVENTS)
        except BaseException as failure:
            failures.append(failure)
            raise

    return pa.RecordBatchReader.from_batches(EVENTS, batches())
