"""Category changes: what a poll keeps of them, beside what webhooks tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.inbox.bodies import read_body
from pipelines.inbox.events import append, events_after
from pipelines.inbox.smartlead import webhook_event
from pipelines.smartlead.categories import CategoryWatch
from pipelines.store import open_store

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def roster(category: int | None) -> list[dict[str, Any]]:
    lead = {"campaign_lead_map_id": "m1", "campaign_id": 1, "lead_id": 7, "email": "ann@lead.example"}
    return [lead | {"lead_category_id": category}]


def test_every_category_change_is_kept_once_also_back_and_forth(store_url: str) -> None:
    engine = open_store(Settings(store_url=store_url))
    for category in (None, 1, 1, 3, 1, None, 1):
        watch = CategoryWatch(engine)
        watch.note(roster(category), NOON)
        watch.keep()
        watch.keep()  # as after a kill between keeping and landing
    assert _changes(engine) == [(None, 1), (1, 3), (3, 1), (1, None), (None, 1)]


def test_a_roster_read_twice_counts_as_its_last_reading(store_url: str) -> None:
    engine = open_store(Settings(store_url=store_url))
    watch = CategoryWatch(engine)
    for category in (1, 3):
        watch.note(roster(category), NOON)
    assert watch.keep() == 1
    assert _changes(engine) == [(None, 3)]
    assert CategoryWatch(engine).keep() == 0


BY_LEAD = {"lead_id": 7, "lead_category": {"old_id": 1, "new_id": 4}}


@pytest.mark.parametrize(
    "told",
    [
        BY_LEAD,
        {"sl_email_lead_map_id": "m1", "lead_category_id": "4"},
        {"lead_email": " Ann@Lead.example", "lead_category_id": 4},
        {"sl_email_lead_id": "7", "category": "Do Not Contact"},
        {"lead_email": "ann@lead.example", "lead_category": {"old_id": 1, "new_id": None, "new_name": None}},
    ],
)
def test_a_poll_corrects_what_a_webhook_told_last(told: dict[str, Any], store_url: str) -> None:
    """R11: the webhook of the change back to 1 was lost."""
    engine = open_store(Settings(store_url=store_url))
    assert _polled(engine, 1) == 1
    _webhook(engine, told | {"event_timestamp": "2026-09-01T12:30:00.000+00:00"})
    assert _polled(engine, 1, NOON + timedelta(hours=1)) == 1
    assert _polled(engine, 1, NOON + timedelta(hours=2)) == 0, "and only once"
    assert [new for _, new in _changes(engine)] == [1, 1]


def test_a_webhook_that_comes_after_the_poll_has_seen_its_category_changes_nothing(store_url: str) -> None:
    engine = open_store(Settings(store_url=store_url))
    assert _polled(engine, 4) == 1
    for when in ({"event_timestamp": "2026-09-01T11:30:00Z"}, {}):
        _webhook(engine, BY_LEAD | when)
        assert _polled(engine, 4, NOON + timedelta(hours=1)) == 0


def test_late_webhooks_count_when_they_happened(store_url: str) -> None:
    engine = open_store(Settings(store_url=store_url))
    _webhook(engine, BY_LEAD | {"lead_category_id": 1, "event_timestamp": "2026-09-01T11:40:00Z", "lead_category": {}})
    assert _polled(engine, 1) == 1
    _webhook(engine, BY_LEAD | {"event_timestamp": "2026-09-01T11:30:00Z"})
    assert _polled(engine, 1, NOON + timedelta(hours=1)) == 0


@pytest.mark.parametrize("when", [{}, {"event_timestamp": "2031-01-01T00:00:00Z"}, {"event_timestamp": "soon"}])
def test_a_correction_counts_after_what_it_corrects_whatever_the_clocks_say(
    when: dict[str, str], store_url: str
) -> None:
    engine = open_store(Settings(store_url=store_url))
    _webhook(engine, BY_LEAD | when)
    for category, changes in ((1, 1), (1, 0), (3, 1), (3, 0)):
        assert _polled(engine, category) == changes
    events = [event for batch in events_after(engine, "smartlead", 0) for event in batch]
    told_at = datetime.fromisoformat("2031-01-01T00:00:00Z") if "2031" in str(when) else events[0].received_at
    assert all(datetime.fromisoformat(json.loads(event.body)["observed_at"]) >= told_at for event in events[1:])


def test_a_lead_that_is_added_again_does_not_answer_for_what_was_told_before(store_url: str) -> None:
    engine = open_store(Settings(store_url=store_url))
    _webhook(engine, BY_LEAD | {"event_timestamp": "2026-08-01T12:00:00Z"})
    watch = CategoryWatch(engine)
    watch.note([roster(None)[0] | {"campaign_lead_map_id": "m2", "created_at": NOON - timedelta(days=1)}], NOON)
    assert watch.keep() == 0


def test_a_webhook_of_another_lead_or_campaign_says_nothing(store_url: str) -> None:
    engine = open_store(Settings(store_url=store_url))
    assert _polled(engine, 1) == 1
    for other in (
        {"lead_id": 8},
        {"campaign_id": 2},
        {"lead_id": None, "lead_email": "bob@lead.example"},
        {"lead_id": []},
    ):
        _webhook(engine, BY_LEAD | {"event_timestamp": "2026-09-01T12:30:00Z"} | other)
    assert _polled(engine, 1, NOON + timedelta(hours=1)) == 0


def _polled(engine: sa.Engine, category: int | None, seen_at: datetime = NOON) -> int:
    """How many changes a poll keeps."""
    watch = CategoryWatch(engine)
    watch.note(roster(category), seen_at)
    return watch.keep()


def _webhook(engine: sa.Engine, payload: dict[str, Any]) -> None:
    body = read_body(json.dumps({"event_type": "LEAD_CATEGORY_UPDATED", "campaign_id": 1} | payload).encode())
    append(engine, [webhook_event(body, "secret")])


def _changes(engine: sa.Engine) -> list[tuple[int | None, int | None]]:
    bodies = [
        json.loads(event.body)
        for batch in events_after(engine, "smartlead", 0, event_type="LEAD_CATEGORY_OBSERVED")
        for event in batch
    ]
    return [(body["old_category_id"], body["new_category_id"]) for body in bodies]
