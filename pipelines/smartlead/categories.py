"""Lead categories as polls see them: Smartlead keeps only the present one, so each change is kept in the inbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pipelines.inbox.events import InboxEvent, append, dedupe_key, events_after
from pipelines.inbox.smartlead import CATEGORY_OBSERVED, SOURCE
from pipelines.raw_tables import Row

BATCH_ROWS = 500


@dataclass(frozen=True)
class _Known:
    category_id: int | None = None
    event_id: int = 0


class CategoryWatch:
    """Compares the roster with the last category that the inbox knows of each lead in each campaign.

    Killed before :meth:`keep` and run again, nothing is lost or kept twice: the comparison simply happens again.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._known = _last_known(engine)
        self._changes: dict[str, InboxEvent] = {}

    def note(self, leads: Sequence[Row], seen_at: datetime) -> None:
        """Note a page of the roster, and when it was read by Smartlead's clock."""
        for lead in leads:
            map_id = lead["campaign_lead_map_id"]
            before = self._known.get(map_id, _Known())
            if lead["lead_category_id"] == before.category_id:
                self._changes.pop(map_id, None)
            else:
                self._changes[map_id] = _change(lead, before, seen_at)

    def keep(self) -> int:
        """Append the changes to the inbox; return how many there were."""
        changes = list(self._changes.values())
        for start in range(0, len(changes), BATCH_ROWS):  # webhooks that arrive meanwhile need their turn
            append(self._engine, changes[start : start + BATCH_ROWS])
        return len(changes)


def _last_known(engine: sa.Engine) -> dict[str, _Known]:
    known: dict[str, _Known] = {}
    for batch in events_after(engine, SOURCE, 0, event_type=CATEGORY_OBSERVED):
        for event in batch:
            body = json.loads(event.body)
            known[body["campaign_lead_map_id"]] = _Known(body["new_category_id"], event.event_id)
    return known


def _change(lead: Row, before: _Known, seen_at: datetime) -> InboxEvent:
    map_id, category_id = lead["campaign_lead_map_id"], lead["lead_category_id"]
    body = {
        "campaign_id": lead["campaign_id"],
        "campaign_lead_map_id": map_id,
        "lead_id": lead["lead_id"],
        "lead_email": lead["email"],
        "old_category_id": before.category_id,
        "new_category_id": category_id,
        "observed_at": seen_at.isoformat(),
    }
    return InboxEvent(
        source=SOURCE,
        channel="poll",
        # With the event before in it, A, B, A, B are four facts, and the same change appended twice is one.
        dedupe_key=dedupe_key(CATEGORY_OBSERVED, map_id, before.event_id, category_id),
        event_type=CATEGORY_OBSERVED,
        body=json.dumps(body),
    )
