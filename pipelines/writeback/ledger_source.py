"""The ledger and the accepted matches on their way into the warehouse, where the models read them.

With HubSpot switched on, what it shows of the contacts in the ledger comes with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dlt
import sqlalchemy as sa
from rich.progress import Progress

from pipelines.config import Settings
from pipelines.inbox.loading import older_store
from pipelines.landing import land
from pipelines.raw_tables import INTEGER, TEXT, TIME, RawTable, Reads, Row
from pipelines.service_clock import latest_service_time
from pipelines.store import open_store, reading
from pipelines.store_tables import accepted_matches, ledger_entries
from pipelines.writeback.ledger import REDACTED
from pipelines.writeback.written_contacts import WRITTEN_CONTACTS, load_written_contacts

DATASET = "raw_writeback"
BATCH_ROWS = 5_000
CURSOR, CURSOR_HASH = "last_entry_id", "last_entry_hash"
LEDGER_ENTRIES = RawTable(
    "ledger_entries",
    ("entry_id",),
    {
        column.name: {"entry_id": INTEGER, "recorded_at": TIME}.get(column.name, TEXT)
        for column in ledger_entries.columns
    },
)
ACCEPTED_MATCHES = RawTable(
    "accepted_matches",
    ("match_id",),
    {
        column.name: {"match_id": INTEGER, "smartlead_campaign_id": INTEGER, "decided_at": TIME}.get(column.name, TEXT)
        for column in accepted_matches.columns
    },
)


def load_writeback(settings: Settings, progress: Progress) -> dict[str, int]:
    """Load the ledger and the accepted matches into ``raw_writeback`` and return the rows landed.

    The caller holds the warehouse lock.

    Raises:
        ServiceError: HubSpot cannot be reached; ledger and matches are loaded all the same.
        StoreError: the operational store or the warehouse cannot be used, or the store is older than the warehouse.
    """
    engine = open_store(settings)
    now = latest_service_time(settings)
    reads = Reads()
    task = progress.add_task("Write-back ledger", total=None)

    def new_entries() -> Iterator[Sequence[Row]]:
        state = dlt.current.resource_state()
        if not _goes_on(engine, state):
            raise older_store(settings, f"entry {state[CURSOR]} of the ledger")
        reads.add(LEDGER_ENTRIES, now, 0)
        while batch := _entries_after(engine, state.get(CURSOR, 0)):
            reads.add(LEDGER_ENTRIES, now, len(batch))
            yield batch
            state[CURSOR], state[CURSOR_HASH] = batch[-1]["entry_id"], batch[-1]["entry_hash"]
            progress.advance(task, len(batch))

    def matches() -> Iterator[Sequence[Row]]:
        with reading(engine) as connection:
            rows = [dict(row) for row in connection.execute(sa.select(accepted_matches)).mappings()]
        reads.add(ACCEPTED_MATCHES, now, len(rows))
        yield rows

    def no_contacts() -> Iterator[Sequence[Row]]:
        yield from ()

    resources = [LEDGER_ENTRIES.resource(new_entries), ACCEPTED_MATCHES.resource(matches)]
    rows = land(settings, DATASET, [*resources, WRITTEN_CONTACTS.resource(no_contacts), reads.resource()])
    if settings.hubspot:
        rows |= load_written_contacts(settings, settings.hubspot, DATASET)
    return rows


def _goes_on(engine: sa.Engine, state: Mapping[str, Any]) -> bool:
    """Whether the entry that was loaded last is still in the ledger, by its hash if we know that."""
    if CURSOR not in state:
        return True
    entry = ledger_entries.c
    with reading(engine) as connection:
        found = connection.scalar(sa.select(entry.entry_hash).where(entry.entry_id == state[CURSOR]))
    return found is not None and found == state.get(CURSOR_HASH, found)


def _entries_after(engine: sa.Engine, entry_id: int) -> list[Row]:
    entry = ledger_entries.c
    query = sa.select(ledger_entries).where(entry.entry_id > entry_id, entry.record_id != REDACTED)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(entry.entry_id).limit(BATCH_ROWS)).mappings().all()
    return [dict(row) for row in rows]
