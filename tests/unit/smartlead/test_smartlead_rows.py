"""Rows of Smartlead's records, its envelopes, and its rate limit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config.services import Smartlead
from pipelines.errors import ConfigurationError, DataError
from pipelines.rate_limit import Limit, RateLimiter
from pipelines.raw_tables import SEEN_AT, RawTable, Record
from pipelines.smartlead import tables
from pipelines.smartlead.client import SmartleadClient
from pipelines.smartlead.text import plain_text

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def record(content: Any) -> Record:
    return Record(content, "Smartlead's GET x")


def typed(table: RawTable, row: Any) -> dict[str, Any]:
    (back,) = pa.Table.from_pylist([row], schema=pa.schema(list(table.columns.items()))).to_pylist()
    expected = set(table.columns) - {"unknown_fields", SEEN_AT}
    assert set(row) == expected, "a row must name every column, and no other"
    return back


def test_a_lead_as_it_was_captured_live() -> None:
    row = typed(
        tables.CAMPAIGN_LEADS,
        tables.campaign_lead_row(
            2710101,
            record(
                {
                    "campaign_lead_map_id": "3375350255",
                    "lead_category_id": None,
                    "status": "STARTED",
                    "created_at": "2026-07-11T11:33:59.000Z",
                    "lead": {
                        "id": 4155843310,
                        "email": "ann@lead.example",
                        "phone_number": "+49 30 1234",
                        "is_unsubscribed": False,
                        "custom_fields": {"org": "icare", "LeadId": "00QIc0000000AAB"},
                    },
                }
            ),
        ),
    )
    assert (row["campaign_lead_map_id"], row["lead_id"]) == ("3375350255", 4155843310)
    assert json.loads(row["custom_fields"]) == {"org": "icare", "LeadId": "00QIc0000000AAB"}
    assert row["created_at"] == datetime(2026, 7, 11, 11, 33, 59, tzinfo=UTC)
    assert "+49" not in str(row)


def test_a_lead_as_it_is_documented() -> None:
    row = tables.campaign_lead_row(5, record({"id": "7", "email": "a@b.example", "category_id": 3, "status": "X"}))
    assert (row["campaign_lead_map_id"], row["lead_id"], row["lead_category_id"]) == ("5:7", 7, 3)


@pytest.mark.parametrize(
    ("reputation", "expected"), [("95%", 95.0), ("95", 95.0), (95, 95.0), (None, None), ("n/a", None)]
)
def test_a_mailbox_leaves_its_passwords_behind(reputation: object, expected: float | None) -> None:
    account = {
        "id": 1,
        "from_email": "anna@sender.example",
        "password": "hunter2",
        "imap_password": "hunter3",
        "warmup_details": {"status": "ACTIVE", "warmup_reputation": reputation},
        "campaign_ids": [2710101],
    }
    row = typed(tables.EMAIL_ACCOUNTS, tables.email_account_row(record(account)))
    assert "hunter" not in str(row)
    assert row["warmup_reputation"] == expected


def test_a_campaign_keeps_its_payload_without_secrets() -> None:
    campaign = {"id": 1, "name": "A", "track_settings": ["DONT_EMAIL_OPEN"], "smtp": {"Password": "hunter2"}}
    row = typed(tables.CAMPAIGNS, tables.campaign_row(record(campaign)))
    assert "hunter2" not in row["payload"]
    assert json.loads(row["track_settings"]) == ["DONT_EMAIL_OPEN"]


def test_sequences_keep_hashes_only() -> None:
    step = {"id": 1, "seq_number": 1, "seq_delay_details": {"delayInDays": 3}, "subject": "Hi", "email_body": "Dear"}
    row = typed(tables.SEQUENCES, tables.sequence_row(9, record(step)))
    assert row["delay_days"] == 3
    assert len(row["subject_hash"]) == 64
    assert "Dear" not in str(row)
    variants = tables.sequence_row(9, record(step | {"subject": None, "sequence_variants": [{"subject": "Hello"}]}))
    assert variants["subject_hash"] not in {None, row["subject_hash"]}


def test_messages_keep_text_of_replies_only_and_one_row_for_a_reply_on_two_steps() -> None:
    reply = {"type": "REPLY", "message_id": "<r1>", "time": "2026-09-01T12:00:00Z", "email_body": "<p>Yes &amp; no</p>"}
    history = [
        {"stats_id": "s2", "email_seq_number": "2"} | reply,
        {"stats_id": "s1", "type": "SENT", "message_id": "<m1>", "email_seq_number": "1", "email_body": "<b>Pitch</b>"},
        {"stats_id": "s1", "email_seq_number": "1"} | reply,
        {
            "stats_id": "s2",
            "type": "SENT",
            "message_id": None,
            "time": "2026-09-01T11:00:00Z",
            "email_seq_number": None,
        },
    ]
    lead = record({"lead_id": "7", "from": "us@sender.example", "to": "ann@lead.example", "history": history})
    rows = {row["message_id"]: typed(tables.MESSAGES, row) for row in tables.message_rows(1, lead, "x")}
    assert rows["<r1>"]["stats_id"] == "s2"
    assert rows["<r1>"]["body_preview"] == "Yes & no"
    assert rows["<m1>"]["body_preview"] is None
    assert len(rows) == 3
    assert all(row["mailbox"] == "us@sender.example" for row in rows.values())


def test_plain_text_hides_styles_and_scripts() -> None:
    html = "<style>p{}</style><p>Hello<br>Ann,</p><script>x()</script><p>b<b>ol</b>d</p>"
    assert plain_text(html, 100) == "Hello Ann, bold"
    assert plain_text("x" * 600, 500) == "x" * 500
    assert plain_text("</style>still here", 100) == "still here"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("text", "not an object"),
        ({"stats_id": None}, "'stats_id' is missing"),
        ({"stats_id": "s", "sent_time": "yesterday"}, "'sent_time' is a text, not an ISO 8601 time"),
        ({"stats_id": "s", "sent_time": "0001-01-01T00:00:00+14:00"}, "'sent_time' is a text, not an ISO 8601 time"),
        ({"stats_id": "s", "open_count": "many"}, "'open_count'"),
        ({"stats_id": "s", "is_bounced": "perhaps"}, "'is_bounced'"),
        ({"stats_id": "s", "open_count": 2**70}, "64 bits"),
        ({"stats_id": {"a": 1}}, "'stats_id' is an object"),
    ],
)
def test_a_record_of_another_shape_names_the_endpoint_and_not_the_content(content: Any, words: str) -> None:
    with pytest.raises(DataError) as caught:
        tables.statistics_row(1, record(content))
    assert words in str(caught.value)
    assert "Smartlead's GET x" in str(caught.value)
    assert "yesterday" not in str(caught.value)


def test_half_a_surrogate_pair_can_be_stored() -> None:
    row = tables.category_row(record({"id": 1, "name": "Interes\ud83dted"}))
    assert row["name"] == "Interes?ted"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_keeps_within_every_limit() -> None:
    clock = Clock()
    limiter = RateLimiter([Limit(10, 60.0), Limit(3, 2.0)], clock=lambda: clock.now, sleep=clock.sleep)
    for _ in range(25):
        limiter.wait()
        clock.sent.append(clock.now)
    for limit, seconds in ((10, 60.0), (3, 2.0)):
        assert all(later - first >= seconds for first, later in zip(clock.sent, clock.sent[limit:], strict=False))
    assert clock.sent[-1] < 125, "and wastes no time"


def test_a_limit_of_nothing_is_refused() -> None:
    for name in ("requests_per_hour", "requests_per_minute", "requests_per_two_seconds"):
        with pytest.raises(ConfigurationError, match="at least 1"):
            SmartleadClient(Smartlead(**{"api_key": "k", name: 0}))
