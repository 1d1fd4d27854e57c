"""Lead categories as polls see them: Smartlead keeps only the present one, so each change is kept in the inbox."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from pipelines.inbox.events import InboxEvent, append, dedupe_key, events_after
from pipelines.inbox.smartlead import CATEGORY_OBSERVED, SOURCE
from pipelines.raw_tables import Record, Row

BATCH_ROWS = 500
CATEGORY_UPDATED = "LEAD_CATEGORY_UPDATED"
UNKNOWN = -1  # of a webhook that names the category without its id
WEBHOOK_TIMES = ("time_replied", "observed_at", "event_timestamp", "time_sent")  # as staging reads them


class _Told(NamedTuple):
    """What was said of a lead's category; what counts later is greater, as in int_replies__category_changes."""

    at: datetime
    is_observed: bool
    event_id: int
    category_id: int | None


NOTHING = _Told(datetime.min.replace(tzinfo=UTC), False, 0, None)


class CategoryWatch:
    """Compares the roster with what the inbox knows of each lead in each campaign.

    Kept is what differs from the last poll or from what was told last, be it by a webhook: one that tells of a category
    that was set back since, while the webhook of that was lost, must not have the last word (R11).

    Killed before :meth:`keep` and run again, nothing is lost or kept twice: the comparison simply happens again.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._observed = _last_observed(engine)
        self._told = _last_told(engine)
        self._changes: dict[str, InboxEvent] = {}

    def note(self, leads: Sequence[Row], seen_at: datetime) -> None:
        """Note a page of the roster, and when it was read by Smartlead's clock."""
        for lead in leads:
            map_id, category_id = lead["campaign_lead_map_id"], lead["lead_category_id"]
            observed = self._observed.get(map_id, NOTHING)
            before = max([observed, *self._told_of(lead)])
            if category_id == observed.category_id == before.category_id:
                self._changes.pop(map_id, None)
            else:
                self._changes[map_id] = _change(lead, before, seen_at)

    def keep(self) -> int:
        """Append the changes to the inbox; return how many there were."""
        changes = list(self._changes.values())
        for start in range(0, len(changes), BATCH_ROWS):  # webhooks that arrive meanwhile need their turn
            append(self._engine, changes[start : start + BATCH_ROWS])
        return len(changes)

    def _told_of(self, lead: Row) -> list[_Told]:
        """What webhooks told last of a lead, since it is in its campaign: it may have been there before."""
        added_at = lead.get("created_at") or NOTHING.at
        keys = _keys(lead["campaign_lead_map_id"], lead["campaign_id"], lead["lead_id"], lead["email"])
        return [told for key in keys if (told := self._told.get(key)) and told.at >= added_at]


def _last_observed(engine: sa.Engine) -> dict[str, _Told]:
    observed: dict[str, _Told] = {}
    for event, body in _events(engine, CATEGORY_OBSERVED):
        at = datetime.fromisoformat(body["observed_at"])
        observed[body["campaign_lead_map_id"]] = _Told(at, True, event.event_id, body["new_category_id"])
    return observed


def _last_told(engine: sa.Engine) -> dict[Hashable, _Told]:
    """By all that a webhook shows of the lead; by most of it several webhooks meet."""
    last: dict[Hashable, _Told] = {}
    for event, body in _events(engine, CATEGORY_UPDATED):
        told = _Told(_time(body) or event.received_at, False, event.event_id, _category(body))
        map_id = _first(body, "sl_email_lead_map_id", "campaign_lead_map_id")
        lead_id = _number(_first(body, "sl_email_lead_id", "lead_id"))
        email = _first(body, "sl_lead_email", "lead_email", "to_email", "to")
        for key in _keys(map_id, _number(body.get("campaign_id")), lead_id, email):
            last[key] = max(told, last.get(key, NOTHING))
    return last


def _events(engine: sa.Engine, event_type: str) -> Iterator[tuple[sa.Row[Any], dict[str, Any]]]:
    for batch in events_after(engine, SOURCE, 0, event_type=event_type):
        for event in batch:
            if event.parse_error is None:
                yield event, json.loads(event.body)


def _keys(map_id: object, campaign_id: int | None, lead_id: int | None, email: object) -> list[Hashable]:
    """The lead in its campaign; and the campaign with lead and address, because webhooks may lack the first."""
    address = str(email or "").strip().lower()
    found = {str(map_id): map_id, (campaign_id, lead_id): lead_id, (campaign_id, address): address}
    return [key for key, value in found.items() if value]


def _category(body: dict[str, Any]) -> int | None:
    change = body.get("lead_category")
    change = change if isinstance(change, dict) else {}
    category_id = _number(_first(body | change, "new_id", "lead_category_id", "new_category_id"))
    is_named = bool(_first(body | change, "new_name", "category"))
    return UNKNOWN if category_id is None and is_named else category_id


def _time(body: dict[str, Any]) -> datetime | None:
    told = Record(body, CATEGORY_UPDATED)
    return next((time for name in WEBHOOK_TIMES if (time := told.time_or_none(name))), None)


def _first(values: dict[str, Any], *names: str) -> Any:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _change(lead: Row, before: _Told, seen_at: datetime) -> InboxEvent:
    map_id, category_id = lead["campaign_lead_map_id"], lead["lead_category_id"]
    body = {
        "campaign_id": lead["campaign_id"],
        "campaign_lead_map_id": map_id,
        "lead_id": lead["lead_id"],
        "lead_email": lead["email"],
        "old_category_id": None if before.category_id == UNKNOWN else before.category_id,
        "new_category_id": category_id,
        "observed_at": max(seen_at, before.at).isoformat(),  # clocks differ; it counts after what it corrects
    }
    return InboxEvent(
        source=SOURCE,
        channel="poll",
        # With the event before in it, A, B, A, B are four facts, and the same change appended twice is one.
        dedupe_key=dedupe_key(CATEGORY_OBSERVED, map_id, before.event_id, category_id),
        event_type=CATEGORY_OBSERVED,
        body=json.dumps(body),
    )
