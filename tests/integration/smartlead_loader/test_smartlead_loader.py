"""Loading a small Smartlead over real HTTP: what lands, and what the next load asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.errors import ConfigurationError, DataError

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


def test_what_smartlead_counts_itself_is_kept_for_reconciliation(loaded: Any) -> None:
    loaded.load()
    counts = loaded.query(
        "select campaign_id, sent_count, reply_count, bounce_count from campaign_analytics order by all"
    )
    assert counts == [(1, 3, 0, None), (2, 3, 0, None)]
