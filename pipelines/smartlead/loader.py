"""Loading Smartlead: everything the API tells, and the webhooks that the inbox has stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.config import Settings
from pipelines.inbox.resources import inbox_resource, payload_text
from pipelines.inbox.smartlead import SOURCE
from pipelines.landing import land
from pipelines.raw_tables import INTEGER, JSON, TEXT, TIME, RawTable, Row
from pipelines.smartlead.account import AccountReader
from pipelines.smartlead.categories import CategoryWatch
from pipelines.smartlead.client import SmartleadClient
from pipelines.store import open_store

DATASET = "raw_smartlead"
WEBHOOK_EVENTS = RawTable(
    "webhook_events",
    ("event_id",),
    {
        "event_id": INTEGER,
        "dedupe_key": TEXT,
        "channel": TEXT,
        "received_at": TIME,
        "event_type": TEXT,
        "campaign_id": INTEGER,
        "payload": JSON,
        "parse_error": TEXT,
    },
)


@dataclass(frozen=True)
class SmartleadLoad:
    """The rows landed per table, and what its reader should know."""

    rows: dict[str, int]
    notes: list[str]


def load_smartlead(settings: Settings, progress: Progress) -> SmartleadLoad:
    """Load Smartlead into ``raw_smartlead``. The caller holds the warehouse lock.

    Killed at any moment and run again, it ends in the same state: rows merge on their keys, cursors are kept with the
    rows they stand for, and a category change is in the inbox before it is in the warehouse.

    Raises:
        ConfigurationError: no key is configured, or Smartlead refuses it.
        ServiceError: Smartlead cannot be reached or stays busy.
        DataError: an answer has an unknown shape; nothing of this load was kept.
        StoreError: the operational store or the warehouse cannot be used.
    """
    connection = settings.require_smartlead()
    engine = open_store(settings)
    with SmartleadClient(connection) as client:
        categories = CategoryWatch(engine)
        account = AccountReader(client, categories, progress)
        counts = land(settings, DATASET, account.resources())
    categories.keep()
    webhooks = inbox_resource(
        engine,
        SOURCE,
        WEBHOOK_EVENTS,
        _webhook_row,
        lambda rows: account.reads.add(WEBHOOK_EVENTS, account.read_at, rows),
    )
    counts |= land(settings, DATASET, [webhooks, account.reads.resource()])
    return SmartleadLoad(dict(sorted(counts.items())), account.shapes.notes())


def _webhook_row(event: sa.RowMapping, payload: dict[str, Any]) -> Row:
    return {
        "event_id": event["event_id"],
        "dedupe_key": event["dedupe_key"],
        "channel": event["channel"],
        "received_at": event["received_at"],
        "event_type": event["event_type"],
        "campaign_id": _campaign_id(payload),
        "payload": payload_text(event),
        "parse_error": event["parse_error"],
    }


def _campaign_id(payload: dict[str, Any]) -> int | None:
    value = str(payload.get("campaign_id", ""))
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
