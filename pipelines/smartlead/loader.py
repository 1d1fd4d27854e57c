"""Loading Smartlead: everything the API tells, and the webhooks that the inbox has stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.config import Settings
from pipelines.config.services import Smartlead
from pipelines.inbox.loading import InboxLoad
from pipelines.inbox.smartlead import SOURCE
from pipelines.landing import land, resource_states
from pipelines.raw_tables import INTEGER, JSON, TEXT, TIME, RawTable
from pipelines.smartlead.account import POLLED_AT, AccountReader
from pipelines.smartlead.categories import CategoryWatch
from pipelines.smartlead.client import SmartleadClient
from pipelines.smartlead.tables import CAMPAIGNS
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
WEBHOOK_COLUMNS = """
    event_id, dedupe_key, channel, received_at, event_type,
    try_cast(payload ->> 'campaign_id' as bigint) as campaign_id, payload, parse_error
"""


@dataclass(frozen=True)
class SmartleadLoad:
    """The rows landed per table, and what its reader should know."""

    rows: dict[str, int]
    notes: list[str]


def load_smartlead(settings: Settings, progress: Progress) -> SmartleadLoad:
    """Load Smartlead into ``raw_smartlead``. The caller holds the warehouse lock.

    The API is polled when the last poll is ``poll_after_minutes`` ago. What webhooks have brought is loaded every time:
    before the poll, also when that fails, and once more after it.
    Killed at any moment and run again, it ends in the same state: rows merge on their keys, cursors are kept with the
    rows they stand for, and a category change is in the inbox before it is in the warehouse.

    Raises:
        ConfigurationError: no key is configured, or Smartlead refuses it.
        ServiceError: Smartlead cannot be reached or stays busy.
        DataError: an answer has an unknown shape; nothing of this poll was kept.
        StoreError: the operational store or the warehouse cannot be used, or the store is older than the warehouse.
    """
    connection = settings.require_smartlead()
    engine = open_store(settings)
    webhooks = webhooks_of(settings, engine)
    webhooks.begin()
    pause = timedelta(minutes=connection.poll_after_minutes)
    polled_at = _last_poll(settings) if pause and not webhooks.is_first else None
    if polled_at and datetime.now(UTC) < (due_at := polled_at + pause):
        note = f"Smartlead was polled at {polled_at.isoformat()}; the next poll is due at {due_at:%H:%M} UTC."
        return SmartleadLoad(webhooks.finish_without_poll(), [note])
    with webhooks.although_the_poll_fails():
        return _poll(settings, connection, webhooks, progress)


def _poll(settings: Settings, connection: Smartlead, webhooks: InboxLoad, progress: Progress) -> SmartleadLoad:
    """Read the API, then load what webhooks have brought meanwhile, and the category changes that were seen."""
    with SmartleadClient(connection) as client:
        categories = CategoryWatch(webhooks.engine)
        account = AccountReader(client, categories, progress)
        counts = land(settings, DATASET, account.resources())
    categories.keep()
    counts |= webhooks.finish(account.reads, account.read_at)
    return SmartleadLoad(dict(sorted(counts.items())), account.shapes.notes())


def _last_poll(settings: Settings) -> datetime | None:
    """When the last poll began, by our own clock; None before the first."""
    state = resource_states(settings, DATASET).get(CAMPAIGNS.name, {})
    return datetime.fromisoformat(state[POLLED_AT]) if POLLED_AT in state else None


def webhooks_of(settings: Settings, engine: sa.Engine) -> InboxLoad:
    """What a load takes out of the inbox: webhooks, and the category changes that polls have seen."""
    return InboxLoad(settings, engine, SOURCE, DATASET, WEBHOOK_EVENTS, WEBHOOK_COLUMNS)
