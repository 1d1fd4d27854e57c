"""Days that are built one after the other give the same marts, row for row, as one full build at the end; and so does
a build of only what new events touch, in all that it builds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.built_marts import note_published, tables_not_of

MODELS = ("build", "--resource-type", "model", "--resource-type", "seed")
EVENT_TABLES = ("staging.stg_smartlead__webhook_events", "staging.stg_clay__callback_events")
MEMBER = {"org": "icare", "CampaignMemberId": "00vIc0aaaaaaaaAIAQ", "LeadId": "00QIc0aaaaaaaaAMAQ"}
MAIL = {"stats_id": "s1", "sl_lead_email": "ann.lee@lead.example", "from_email": "alex@reach-icare.example"}
REPLY = MAIL | {
    "time_replied": "2026-07-25T10:00:00.000Z",
    "reply_message": {"message_id": "<r2@lead.example>", "text": "Please call me."},
}
BOUNCE = {"stats_id": "s2", "bounce_message": {"message_id": "<b2>", "text": "550 5.1.1 no such user"}}

# What arrives on each day: webhooks as (event type, payload), then callbacks as (classification, classified at).
DAYS: list[tuple[list[tuple[str, dict[str, Any] | None]], list[tuple[str, str]]]] = [
    # a reply before the mail that it answers is announced, and something that is no JSON
    ([("EMAIL_REPLY", REPLY), ("EMAIL_OPEN", None)], [("Neutral", "2026-07-25T10:20:00Z")]),
    # the same reply again; what happened long before arrives late, and that the person had unsubscribed even before it;
    # a callback older than the one of yesterday, and that it is classified anew, twice
    (
        [
            ("EMAIL_REPLY", REPLY),
            ("EMAIL_SENT", MAIL | {"event_timestamp": "2026-07-20T08:00:00Z", "sequence_number": 1}),
            ("EMAIL_OPEN", MAIL | {"event_timestamp": "2026-07-20T07:59:00Z"}),
            ("LEAD_UNSUBSCRIBED", MAIL | {"event_timestamp": "2026-07-19T08:00:00Z"}),
            ("EMAIL_BOUNCE", MAIL | BOUNCE),
        ],
        [
            ("Negative", "2026-07-25T10:10:00Z"),
            ("Positive", "2026-07-27T09:00:00Z"),
            ("Positive", "2026-07-27T09:00:00Z"),
        ],
    ),
]


@pytest.mark.timeout(900)
def test_days_built_incrementally_equal_one_full_build(
    dbt: Any, tmp_path: Path, table_differences: Callable[[Path, Path], dict[str, int]]
) -> None:
    day_by_day, only_new_events = tmp_path / "day_by_day.duckdb", tmp_path / "only_new_events.duckdb"
    dbt.load("--with-story")
    for number, (webhooks, callbacks) in enumerate(DAYS, start=1):
        with duckdb.connect(str(dbt.warehouse)) as connection:
            _arrive(connection, number, webhooks, callbacks)
        if number == len(DAYS):
            note_published(dbt.warehouse, "the first day")
            touched = _built(_build(dbt, "--selector", "replies"))
            assert {"marts.fct_writeback_deltas"} <= set(tables_not_of(dbt.warehouse, "the first day")) <= touched
            _copy(dbt.warehouse, only_new_events)
        _build(dbt)
    every_table = set(tables_not_of(dbt.warehouse, "none of these"))
    assert every_table - set(tables_not_of(dbt.warehouse, "the first day")) == set(EVENT_TABLES)
    _copy(dbt.warehouse, day_by_day)
    _build(dbt, "--full-refresh")

    differences = table_differences(dbt.warehouse, only_new_events)
    assert set(EVENT_TABLES) | {"marts.fct_writeback_deltas", "intermediate.int_deliverability__sent_mails"} < touched
    assert {table: differences[table] for table in touched} == dict.fromkeys(touched, 0)
    assert any(differences.values()), "what is not touched is not built"

    differences = table_differences(dbt.warehouse, day_by_day)
    assert set(EVENT_TABLES) < set(differences)
    assert differences == dict.fromkeys(differences, 0)
    with duckdb.connect(str(dbt.warehouse), read_only=True) as connection:
        assert connection.execute(f"select count(*) from {EVENT_TABLES[0]}").fetchone() == (2 + 7,)
        assert connection.execute("select is_unsubscribed from marts.fct_lead_eligibility").fetchall() == [
            (True,)
        ] * 2 + [(False,)], "what came late counts"


def _copy(warehouse: Path, copy: Path) -> None:
    """With what a process has left in the file's log when it ended."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("checkpoint")
    shutil.copy(warehouse, copy)


def _build(dbt: Any, *options: str) -> str:
    result = dbt(*MODELS, *options)
    assert result.returncode == 0, result.stdout[-3000:]
    return str(result.stdout)


def _built(output: str) -> set[str]:
    """The tables that dbt says it built."""
    return set(re.findall(r"OK created sql (?:table|incremental) model (\S+)", output))


def _arrive(
    connection: duckdb.DuckDBPyConnection,
    day: int,
    webhooks: list[tuple[str, dict[str, Any] | None]],
    callbacks: list[tuple[str, str]],
) -> None:
    received_at = f"2026-08-{day:02d} 08:00:00+00"
    for place, (event_type, payload) in enumerate(webhooks):
        event_id = day * 10 + place
        values = [event_id, f"w{event_id}", received_at, event_type, json.dumps(payload) if payload else "{broken"]
        connection.execute(
            "insert into raw_smartlead.webhook_events"
            " (event_id, dedupe_key, channel, received_at, event_type, campaign_id, payload)"
            " values (?, ?, 'webhook', ?, ?, 2710101, ?)",
            values,
        )
    for place, (classification, classified_at) in enumerate(callbacks):
        event_id = day * 10 + place
        payload = MEMBER | {
            "table_id": "t_replies",
            "row_id": "r9",
            "smartlead_campaign_id": "2710101",
            "message_id": "<r2@lead.example>",
            "classification": classification,
            "classified_at": classified_at,
        }
        connection.execute(
            "insert into raw_clay.callback_events (event_id, dedupe_key, received_at, kind, payload)"
            " values (?, ?, ?, 'reply_classification', ?)",
            [event_id, f"c{event_id}", received_at, json.dumps(payload)],
        )
