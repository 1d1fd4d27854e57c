"""Loading a small Smartlead over real HTTP: what lands, and what the next load asks for."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.progress import Progress

from pipelines.errors import ConfigurationError, DataError, StoreError
from pipelines.inbox import loading
from pipelines.landing import land
from pipelines.smartlead import loader
from pipelines.writeback.ledger_source import load_writeback

START = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
SECRETS = ("hunter2", "hunter3", "smartlead-key", "secret pitch")


def test_loads_every_table_with_types_and_counts(loaded: Any) -> None:
    loaded.store_webhook("w1")
    loaded.fake.category = {11: 1}
    loaded.fake.busy_answers = 2
    counts = loaded.load()
    assert counts == {
        "campaign_analytics": 2,
        "campaign_leads": 6,
        "campaigns": 2,
        "categories": 1,
        "email_accounts": 1,
        "email_statistics": 6,
        "messages": 6,
        "sequences": 2,
        "set_aside_records": 0,
        "source_reads": 10,
        "webhook_events": 2,
    }
    assert loaded.query("select table_name, rows_read, read_at from source_reads order by 1") == [
        (table, rows, START) for table, rows in counts.items() if table != "source_reads"
    ]
    assert loaded.query("select typeof(lead_id), typeof(campaign_lead_map_id) from campaign_leads limit 1") == [
        ("BIGINT", "VARCHAR")
    ]
    assert loaded.query("select channel, event_type, campaign_id from webhook_events order by event_id") == [
        ("webhook", "EMAIL_REPLY", 1),
        ("poll", "LEAD_CATEGORY_OBSERVED", 1),
    ]


def test_an_empty_account_still_has_every_table(loaded: Any) -> None:
    loaded.fake.campaigns = []
    loaded.load()
    assert {table for table, rows in loaded.everything().items() if not rows} == {
        "campaign_analytics",
        "campaigns",
        "campaign_leads",
        "email_statistics",
        "messages",
        "sequences",
        "set_aside_records",
        "webhook_events",
    }


def test_no_password_key_or_mail_body_is_anywhere_on_disk(loaded: Any) -> None:
    loaded.load()
    found = [
        (path.name, secret)
        for path in loaded.settings.data_dir.rglob("*")
        if path.is_file()
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    ]
    assert found == []
    assert b"us@sender.example" in loaded.settings.warehouse_path.read_bytes(), "the search would find what is there"


def test_the_next_load_asks_for_what_is_new_and_brings_late_replies(loaded: Any) -> None:
    loaded.load()
    assert all("event_time_gt" not in params for params in loaded.fake.asked("leads-statistics"))
    loaded.fake.requests.clear()
    loaded.fake.now = START + timedelta(days=3)
    loaded.fake.reply_time["s11"] = "2026-09-03T10:00:00.000Z"  # two weeks after the mail
    loaded.load()
    cursors = {params["event_time_gt"] for params in loaded.fake.asked("leads-statistics")}
    windows = {params["sent_time_start_date"] for params in loaded.fake.asked("/statistics")}
    assert (cursors, windows) == ({"2026-08-31T06:00:00+00:00"}, {"2026-07-03"})
    assert loaded.query("select message_id, body_preview from messages where type = 'REPLY'") == [("<r11>", "Yes")]
    assert loaded.query("select stats_id from email_statistics where reply_time is not null") == [("s11",)]
    assert loaded.query("select count(*), count(distinct message_id) from messages") == [(7, 7)]
    assert loaded.query("select distinct read_at from source_reads") == [(loaded.fake.now,)]


def test_category_changes_between_loads_are_kept(loaded: Any) -> None:
    for category in (1, 1, 3):
        loaded.fake.category = {20: category}
        loaded.load()
    changes = loaded.query(
        "select payload ->> 'old_category_id', payload ->> 'new_category_id' from webhook_events order by all"
    )
    assert changes == [("1", "3"), (None, "1")]


def test_a_wrong_key_is_refused_with_a_clear_error(loaded: Any) -> None:
    connection = loaded.settings.smartlead.model_copy(update={"api_key": SecretStr("no")})
    with pytest.raises(ConfigurationError, match="Smartlead refuses the credentials"):
        loaded.load(loaded.settings.model_copy(update={"smartlead": connection}))


def test_a_malformed_page_keeps_what_was_there_and_nothing_of_this_load(loaded: Any) -> None:
    loaded.load()
    before = loaded.everything()
    loaded.fake.now += timedelta(days=1)
    loaded.fake.category = {10: 1}
    loaded.fake.broken_path = "campaigns/2/statistics"
    with pytest.raises(DataError, match="GET campaigns/2/statistics has an unknown shape"):
        loaded.load()
    assert loaded.everything() == before
    loaded.fake.broken_path = ""
    loaded.load()
    assert loaded.query("select count(*) from webhook_events where channel = 'poll'") == [(1,)]


def test_no_call_is_made_that_is_not_needed(loaded: Any) -> None:
    loaded.load()
    for_each_campaign = ("sequences", "leads", "statistics", "leads-statistics", "analytics")
    assert len(loaded.fake.requests) == 3 + 2 * len(for_each_campaign), "all lists fit on a page"


def test_a_shape_never_seen_is_kept_and_reported(loaded: Any) -> None:
    long_text = "secret pitch " * 50
    loaded.fake.odd_leads[10] = {"mood": "curious", "smtp_password": "hunter2", "note": long_text}
    loaded.load()
    ((kept,),) = loaded.query("select unknown_fields from campaign_leads where unknown_fields is not null")
    kept = json.loads(kept)
    assert kept["mood"] == "curious"
    assert set(kept) == {"mood", "note"}
    assert kept["note"].startswith("sha256:")
    assert [note.split(":")[1].split(",")[0].strip() for note in loaded.notes] == [
        "campaign_leads.mood",
        "campaign_leads.note",
        "campaign_leads.smtp_password",
    ]


def test_a_record_that_cannot_be_read_is_set_aside_and_the_others_go_on(loaded: Any) -> None:
    loaded.fake.odd_leads[10] = {"created_at": {"seconds": 5}, "imap_password": "hunter2"}
    loaded.load()
    loaded.load()
    assert loaded.query("select count(*) from campaign_leads") == [(5,)]
    ((table, campaign_id, problem, payload),) = loaded.query(
        "select table_name, campaign_id, problem, payload from set_aside_records"
    )
    assert (table, campaign_id) == ("campaign_leads", 1)
    assert "'created_at' is an object, not an ISO 8601 time" in problem
    assert json.loads(payload)["created_at"] == {"seconds": 5}
    assert "hunter2" not in payload
    assert any("1 records of campaign_leads could not be read" in note for note in loaded.notes)


def test_an_odd_campaign_or_count_is_set_aside_and_the_others_go_on(loaded: Any) -> None:
    loaded.load()
    loaded.fake.campaigns += ["text", {"name": "no id"}]
    loaded.fake.campaigns[0] = {"id": 2, "name": "B", "created_at": "soon"}
    loaded.fake.analytics[1] = {"id": 1, "sent_count": "many"}
    loaded.fake.odd_leads[20] = {"status": "COMPLETED"}
    loaded.load()
    set_aside = loaded.query("select table_name, campaign_id, problem from set_aside_records order by all")
    assert set_aside == [
        ("campaign_analytics", 1, "Smartlead's GET campaigns/1/analytics: 'sent_count' is a text, not a whole number."),
        ("campaigns", None, "Smartlead's GET campaigns/: 'created_at' is a text, not an ISO 8601 time."),
        ("campaigns", None, "Smartlead's GET campaigns/: 'id' is missing, not a whole number."),
        ("campaigns", None, "Smartlead's GET campaigns/: a record is not an object but a text."),
    ]
    assert loaded.query("select id, name from campaigns order by id") == [(1, "A"), (2, "B")]
    assert loaded.query("select campaign_id, status from campaign_leads where status = 'COMPLETED'") == [
        (2, "COMPLETED")
    ], "its id can be read, so its leads are"
    assert len([note for note in loaded.notes if "set_aside_records" in note]) == 4


def test_what_smartlead_counts_itself_is_kept_for_reconciliation(loaded: Any) -> None:
    loaded.load()
    counts = loaded.query(
        "select campaign_id, sent_count, reply_count, bounce_count from campaign_analytics order by all"
    )
    assert counts == [(1, 3, 0, None), (2, 3, 0, None)]


def test_what_webhooks_brought_waits_for_no_poll_and_fails_with_none(loaded: Any) -> None:
    loaded.load()
    read_before = loaded.query("select * from source_reads where table_name <> 'webhook_events' order by 1")
    loaded.store_webhook("w1")
    loaded.fake.now = START + timedelta(days=1)
    loaded.fake.broken_path = "campaigns/2/statistics"
    with pytest.raises(DataError, match="GET campaigns/2/statistics"):
        loaded.load()
    assert loaded.query("select event_id from webhook_events") == [(1,)]
    assert loaded.query("select rows_read from source_reads where table_name = 'webhook_events'") == [(1,)]
    assert loaded.query("select * from source_reads where table_name <> 'webhook_events' order by 1") == read_before


def test_webhooks_are_loaded_before_a_poll_and_once_more_after_it(loaded: Any) -> None:
    loaded.load()
    before_the_poll = []

    def arrive() -> None:
        before_the_poll.append(loaded.query("select count(*) from webhook_events"))
        loaded.store_webhook("during the poll")

    loaded.fake.while_polled = arrive
    loaded.store_webhook("before the poll")
    assert loaded.load()["webhook_events"] == 2
    assert before_the_poll == [[(1,)]]
    assert loaded.query("select rows_read from source_reads where table_name = 'webhook_events'") == [(2,)]


def test_when_nothing_is_new_dlt_runs_no_more_often_than_it_must(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.load()
    landed = []
    for module in (loader, loading):
        monkeypatch.setattr(module, "land", lambda *arguments: landed.append(1) or land(*arguments))
    loaded.load()
    assert len(landed) == 2, "the tables, and when they were read"


def test_a_store_restored_from_a_backup_is_told_and_the_warehouse_can_be_rebuilt(loaded: Any) -> None:
    store = loaded.settings.data_dir / "operational_store.sqlite"
    loaded.settings.smartlead.poll_after_minutes = 60
    loaded.store_webhook("w1")
    expected = loaded.load() | {"webhook_events": 2}
    _copy(store, backup := store.with_suffix(".backup"))
    loaded.store_webhook("lost")
    loaded.load()
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()
    _copy(backup, store)
    loaded.store_webhook("under the number of the lost one")
    with pytest.raises(StoreError, match="has no event 2 of smartlead"):
        loaded.load()
    warehouse = loaded.settings.warehouse_path
    warehouse.rename(warehouse.with_suffix(".lost"))
    with Progress(disable=True) as progress:
        load_writeback(loaded.settings, progress)  # as another source, which makes the warehouse anew
    assert loaded.load() == expected
    assert loaded.query("select dedupe_key from webhook_events order by event_id") == [
        ("w1",),
        ("under the number of the lost one",),
    ]


def _copy(database: Path, target: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def test_what_smartlead_shows_no_more_stays_and_was_seen_last_before(loaded: Any) -> None:
    loaded.load()
    loaded.fake.now = later = START + timedelta(days=1)
    loaded.fake.removed = {11}
    loaded.fake.campaigns = [campaign for campaign in loaded.fake.campaigns if campaign["id"] != 2]
    loaded.load()
    assert loaded.query("select id, seen_at from campaigns order by id") == [(1, later), (2, START)]
    assert loaded.query("select campaign_lead_map_id, seen_at from campaign_leads order by 1") == [
        *((f"30000000{n}", START if n == 11 else later) for n in (10, 11, 12)),
        *((f"30000000{n}", START) for n in (20, 21, 22)),
    ]
    assert loaded.query("select campaign_id, seen_at from sequences order by 1") == [(1, later), (2, START)]
    assert loaded.query("select seen_at from email_accounts") == [(later,)]
