"""What identifies an event, how bodies are kept, and that the inbox keeps its order."""

from __future__ import annotations

import json
import threading
import time

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.inbox import clay, smartlead
from pipelines.inbox.bodies import Body, read_body
from pipelines.inbox.events import InboxEvent, append, events_after, holds
from pipelines.store import open_store, reading, writing

REPLY = {
    "event_type": "EMAIL_REPLY",
    "campaign_id": 2710101,
    "stats_id": "5e1b0c7e",
    "event_timestamp": "2026-09-02T08:00:00.5+00:00",
    "reply_message": {"message_id": "<reply-1@lead.example>", "text": "yes"},
    "secret_key": "s3cret",
}
ENRICHMENT = {"kind": "enrichment", "table_id": "t_icare_1", "row_id": "r1", "enriched_at": "2026-09-02T08:00:00Z"}


def body(payload: object) -> Body:
    return read_body(json.dumps(payload).encode())


def key(payload: dict[str, object]) -> str:
    return smartlead.webhook_event(body(payload), "s3cret").dedupe_key


@pytest.fixture
def engine(store_url: str) -> sa.Engine:
    return open_store(Settings(store_url=store_url))


def event(name: str, source: str = "clay") -> InboxEvent:
    return InboxEvent(source, "callback", name, "enrichment", "{}")


def test_a_redelivery_has_the_same_key_whatever_else_changed() -> None:
    assert key(REPLY) == key(REPLY | {"campaign_status": "PAUSED", "description": "again"})
    assert key(REPLY) == key(REPLY | {"event_type": "EMAIL_REPLIED"})


@pytest.mark.parametrize(
    "change",
    [
        {"event_type": "EMAIL_OPEN"},
        {"campaign_id": 2710102},
        {"stats_id": "other"},
        {"event_timestamp": "2026-09-02T08:00:01+00:00"},
        {"reply_message": {"message_id": "<reply-2@lead.example>"}},
    ],
)
def test_another_fact_has_another_key(change: dict[str, object]) -> None:
    assert key(REPLY | change) != key(REPLY)


def test_category_changes_of_one_lead_are_different_facts() -> None:
    update = {"event_type": "LEAD_CATEGORY_UPDATED", "campaign_id": 1, "lead_id": 7}
    interested = key(update | {"lead_category": {"old_id": None, "new_id": 1}})
    revised = key(update | {"lead_category": {"old_id": 1, "new_id": 3}})
    assert interested != revised


def test_events_without_a_time_are_the_same_only_when_everything_is() -> None:
    change = {"event_type": "CAMPAIGN_STATUS_CHANGED", "campaign_id": 1, "campaign_status": "PAUSED", "secret_key": "a"}
    assert key(change) == key(change | {"secret_key": "rotated"})
    assert key(change) != key(change | {"campaign_status": "ACTIVE"})


def test_an_unsubscribe_without_lead_id_is_known_by_its_address_whatever_its_case() -> None:
    update = {"event_type": "LEAD_UNSUBSCRIBED", "campaign_id": 1, "event_timestamp": "2026-09-02T08:00:00.000Z"}
    assert key(update | {"lead_email": "Ann@Lead.example"}) == key(update | {"lead_email": "ann@lead.example"})
    assert key(update | {"lead_email": "ann@lead.example"}) != key(update | {"lead_email": "bob@lead.example"})


def test_the_secret_is_not_kept() -> None:
    kept = smartlead.webhook_event(body(REPLY), "s3cret")
    assert "s3cret" not in kept.body
    assert json.loads(kept.body)["stats_id"] == REPLY["stats_id"]


def test_a_clay_rerun_is_the_same_fact_and_a_new_enrichment_is_not() -> None:
    first = clay.callback_event(body(ENRICHMENT | {"industry": "Software"}))
    assert clay.callback_event(body(ENRICHMENT)).dedupe_key == first.dedupe_key
    later = ENRICHMENT | {"enriched_at": "2026-10-02T08:00:00Z"}
    assert clay.callback_event(body(later)).dedupe_key != first.dedupe_key


def test_incomplete_callbacks_are_not_taken_for_one_another() -> None:
    without_time = {"kind": "enrichment", "table_id": "t_icare_1", "row_id": "r1"}
    one, two = (clay.callback_event(body(without_time | {"email": name})) for name in ("a", "b"))
    assert one.dedupe_key != two.dedupe_key


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not valid JSON"),
        (b'{"icp_score": }', "not valid JSON"),
        (b'{"icp_score": NaN}', "NaN is not JSON"),
        (b"[1, 2]", "not a JSON object but a list"),
        (b'{"name": "\\ud800"}', "UTF-8"),
        (b'{"name": "\xff"}', "UTF-8"),
        (b"\x00", "not valid JSON"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_body_that_cannot_be_read_is_kept_with_its_reason(engine: sa.Engine, raw: bytes, problem: str) -> None:
    unreadable = clay.callback_event(read_body(raw))
    assert problem in str(unreadable.parse_error)
    append(engine, [unreadable])
    with reading(engine) as connection:
        assert connection.scalar(sa.text("select body from inbox_events")) == unreadable.body


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    assert read_body(b"\xef\xbb\xbf" + json.dumps(ENRICHMENT).encode()) == body(ENRICHMENT)


def test_unknown_kinds_are_stored_and_marked() -> None:
    assert clay.callback_event(body({"kind": "surprise"})).parse_error == "unknown kind surprise"
    assert clay.callback_event(body({"kind": ["enrichment"]})).parse_error
    surprise = smartlead.webhook_event(body({"event_type": "EMAIL_SURPRISE"}), "s3cret")
    assert surprise.parse_error == "unknown event type EMAIL_SURPRISE"
    assert surprise.event_type == "EMAIL_SURPRISE"


def test_a_known_event_is_stored_once_per_source(engine: sa.Engine) -> None:
    assert append(engine, [event("a"), event("b"), event("a")]) == [1, 2, None]
    assert append(engine, [event("a", "smartlead")]) != [None]


def test_events_come_back_in_batches_in_the_order_they_were_stored(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.inbox.events.BATCH_ROWS", 2)
    append(engine, [event(name) for name in "abcde"] + [event("x", "smartlead")])
    batches = [[row.dedupe_key for row in batch] for batch in events_after(engine, "clay", 1)]
    assert batches == [["b", "c"], ["d", "e"]]


def test_large_events_come_in_smaller_batches(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.inbox.events.BATCH_CHARACTERS", 100)
    monkeypatch.setattr("pipelines.inbox.events.ROWS_AT_ONCE", 2)
    sizes = [1, 1, 1, 90, 20, 1, 200, 1, 1]
    append(
        engine, [InboxEvent("clay", "callback", f"e{number}", None, "x" * size) for number, size in enumerate(sizes)]
    )
    batches = [[len(row.body) for row in batch] for batch in events_after(engine, "clay", 0)]
    assert batches == [[1, 1, 1, 90], [20, 1], [200], [1, 1]]


def test_an_event_is_known_by_its_number_and_key_also_when_it_was_erased(engine: sa.Engine) -> None:
    append(engine, [event("a"), event("b")])
    with writing(engine) as connection:
        connection.execute(sa.text("update inbox_events set body = '{}', erased_at = received_at"))
    assert holds(engine, "clay", 2, "b")
    assert not any(holds(engine, *other) for other in (("clay", 2, "a"), ("smartlead", 2, "b"), ("clay", 3, "c")))


def test_an_event_never_appears_behind_one_that_was_already_read(engine: sa.Engine) -> None:
    """On PostgreSQL ids are given out before the commit: a slow transaction must hold up the faster ones."""
    second = threading.Thread(target=append, args=(engine, [event("fast")]))
    with writing(engine) as connection:
        from pipelines.store_locks import lock_inbox
        from pipelines.store_tables import inbox_events

        lock_inbox(connection)
        connection.execute(inbox_events.insert().values(received_at=sa.func.now(), **vars(event("slow"))))
        second.start()
        time.sleep(0.3)
        assert list(events_after(engine, "clay", 0)) == []
    second.join(10)
    (batch,) = events_after(engine, "clay", 0)
    assert [row.dedupe_key for row in batch] == ["slow", "fast"]
