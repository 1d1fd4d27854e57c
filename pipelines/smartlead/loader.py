"""Loading Smartlead: everything the API tells, and the webhooks that the inbox has stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.config import Settings
from pipelines.config.services import Smartlead
from pipelines.errors import OutreachError
from pipelines.inbox.loading import is_loaded, load_events
from pipelines.inbox.smartlead import SOURCE
from pipelines.landing import land, resource_states
from pipelines.raw_tables import INTEGER, JSON, TEXT, TIME, RawTable, Reads
from pipelines.service_clock import latest_service_time
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
    if not is_loaded(settings, DATASET):
        return _poll(settings, connection, engine, progress, 0)
    arrived = _load_events(settings, engine)
    pause = timedelta(minutes=connection.poll_after_minutes)
    polled_at = _last_poll(settings) if pause else None
    if polled_at and datetime.now(UTC) < (due_at := polled_at + pause):
        rows = load_webhooks(settings, engine, Reads(), latest_service_time(settings), arrived)
        note = f"Smartlead was polled at {polled_at.isoformat()}; the next poll is due at {due_at:%H:%M} UTC."
        return SmartleadLoad(rows, [note])
    try:
        return _poll(settings, connection, engine, progress, arrived)
    except OutreachError:
        load_webhooks(settings, engine, Reads(), latest_service_time(settings), arrived)
        raise


def _poll(
    settings: Settings, connection: Smartlead, engine: sa.Engine, progress: Progress, arrived: int
) -> SmartleadLoad:
    """Read the API, then load what webhooks have brought meanwhile, and the category changes that were seen."""
    with SmartleadClient(connection) as client:
        categories = CategoryWatch(engine)
        account = AccountReader(client, categories, progress)
        counts = land(settings, DATASET, account.resources())
    categories.keep()
    counts |= load_webhooks(settings, engine, account.reads, account.read_at, arrived)
    return SmartleadLoad(dict(sorted(counts.items())), account.shapes.notes())


def _last_poll(settings: Settings) -> datetime | None:
    """When the last poll began, by our own clock; None before the first."""
    state = resource_states(settings, DATASET).get(CAMPAIGNS.name, {})
    return datetime.fromisoformat(state[POLLED_AT]) if POLLED_AT in state else None


def load_webhooks(
    settings: Settings, engine: sa.Engine, reads: Reads, read_at: datetime, arrived: int = 0
) -> dict[str, int]:
    """Load what the inbox has got since the last load, and then the readings, among which it is counted.

    ``arrived`` is how many events this load has brought already.
    """
    rows = arrived + _load_events(settings, engine)
    reads.add(WEBHOOK_EVENTS, read_at, rows)
    return {WEBHOOK_EVENTS.name: rows} | land(settings, DATASET, [reads.resource()])


def _load_events(settings: Settings, engine: sa.Engine) -> int:
    return load_events(settings, engine, SOURCE, DATASET, WEBHOOK_EVENTS, WEBHOOK_COLUMNS)
