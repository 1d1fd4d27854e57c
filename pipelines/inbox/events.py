"""Appending to the inbox, and reading it in the order in which events were stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import sqlalchemy as sa

from pipelines.privacy.suppression import gate_of
from pipelines.store import insert_new, reading, writing
from pipelines.store_locks import lock_inbox
from pipelines.store_tables import inbox_events

BATCH_ROWS = 5_000
BATCH_CHARACTERS = 16_000_000  # of all bodies, each of which may have 8 MB
ROWS_AT_ONCE = 10  # so many are in memory before their size is known
NOT_KEPT = 0  # ids begin with 1


@dataclass(frozen=True)
class InboxEvent:
    """What a service told us, or what a poll saw and cannot be read again.

    Two events of one source with the same ``dedupe_key`` are deliveries of the same fact: the first one stays.
    """

    source: str
    channel: str
    dedupe_key: str
    event_type: str | None
    body: str
    parse_error: str | None = None


def dedupe_key(*parts: object) -> str:
    """The key of a fact, made of everything that identifies it."""
    return hashlib.sha256("|".join("" if part is None else str(part) for part in parts).encode()).hexdigest()


def append(engine: sa.Engine, events: Sequence[InboxEvent]) -> list[int | None]:
    """Store events durably and return their ids, None for those already there. When this returns, they are safe.

    An event of somebody who was erased is not stored; its id is ``NOT_KEPT``.

    Raises:
        ConfigurationError: people were erased, and the key that recognises them is missing; none is stored.
        StoreError: the store cannot be written; none of the events is stored.
    """
    received_at = datetime.now(UTC)
    columns = inbox_events.c
    insert = insert_new(engine, inbox_events, key=["source", "dedupe_key"])
    statement = insert.returning(columns.event_id, columns.source, columns.dedupe_key)
    with writing(engine) as connection:
        lock_inbox(connection)
        gate = gate_of(connection)  # in this transaction: an erasure comes before it or after it, never in between
        rows: dict[tuple[str, str], dict[str, object]] = {}
        not_kept: dict[tuple[str, str], int] = {}
        for event in events:
            key = (event.source, event.dedupe_key)
            body = event.body if gate is None else gate.admitted(event.body, is_readable=event.parse_error is None)
            if body is None:
                not_kept[key] = NOT_KEPT
            else:
                rows.setdefault(key, {"received_at": received_at, **vars(event), "body": body})
        stored = connection.execute(statement, list(rows.values())).all() if rows else []
    ids: dict[Any, int] = {(row.source, row.dedupe_key): row.event_id for row in stored} | not_kept
    return [ids.pop((event.source, event.dedupe_key), None) for event in events]


def events_after(
    engine: sa.Engine, source: str, event_id: int, *, event_type: str | None = None
) -> Iterator[Sequence[sa.Row[Any]]]:
    """The events of a source that were stored after an event, in batches, oldest first.

    A batch has up to 5,000 events, fewer where they are large.
    """
    columns = inbox_events.c
    # Seen as an expression, the source does not tempt SQLite to an index by which it would sort all events every time.
    query = sa.select(inbox_events).where(columns.source.concat("") == source, columns.erased_at.is_(None))
    query = query.order_by(columns.event_id).limit(BATCH_ROWS)
    if event_type is not None:
        query = query.where(columns.event_type == event_type)
    while True:
        with reading(engine) as connection:
            batch = _batch(connection, query.where(columns.event_id > event_id))
        if not batch:
            return
        yield batch
        event_id = batch[-1].event_id


def holds(engine: sa.Engine, source: str, event_id: int, dedupe_key: str) -> bool:
    """Whether the event of this id is still the one of this key; an event that expired or was erased keeps its key."""
    columns = inbox_events.c
    query = sa.select(columns.source, columns.dedupe_key).where(columns.event_id == event_id)
    with reading(engine) as connection:
        return connection.execute(query).one_or_none() == (source, dedupe_key)


def _batch(connection: sa.Connection, query: sa.Select[Any]) -> list[sa.Row[Any]]:
    """The first rows of a query whose bodies together have no more characters than a batch may have; at least one."""
    batch: list[sa.Row[Any]] = []
    characters = 0
    with connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)) as result:
        for row in chain.from_iterable(result.partitions()):
            characters += len(row.body)
            if batch and characters > BATCH_CHARACTERS:
                break
            batch.append(row)
    return batch
