"""The raw tables of Smartlead: their columns, and how a record of an answer becomes a row.

Only the columns named here land, and fields that nobody knew before. That is what keeps mailbox passwords, mail
bodies and phone numbers out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.raw_tables import FLAG, INTEGER, JSON, NUMBER, SEEN_AT, TEXT, TIME, RawTable, Record, Row, as_json
from pipelines.smartlead.shapes import harmless
from pipelines.smartlead.text import plain_text, text_hash

PREVIEW_CHARACTERS = 500

CAMPAIGNS = RawTable(
    "campaigns",
    ("id",),
    {
        "id": INTEGER,
        "name": TEXT,
        "status": TEXT,
        "created_at": TIME,
        "updated_at": TIME,
        "track_settings": JSON,
        "max_leads_per_day": INTEGER,
        "payload": JSON,
        SEEN_AT: TIME,
    },
)
SEQUENCES = RawTable(
    "sequences",
    ("id",),
    {
        "id": INTEGER,
        "campaign_id": INTEGER,
        "seq_number": INTEGER,
        "delay_days": INTEGER,
        "subject_hash": TEXT,
        "body_hash": TEXT,
        "unknown_fields": JSON,
        SEEN_AT: TIME,
    },
)
CAMPAIGN_LEADS = RawTable(
    "campaign_leads",
    ("campaign_lead_map_id",),
    {
        "campaign_lead_map_id": TEXT,
        "campaign_id": INTEGER,
        "lead_id": INTEGER,
        "email": TEXT,
        "first_name": TEXT,
        "last_name": TEXT,
        "company_name": TEXT,
        "status": TEXT,
        "lead_category_id": INTEGER,
        "is_unsubscribed": FLAG,
        "custom_fields": JSON,
        "created_at": TIME,
        "unknown_fields": JSON,
        SEEN_AT: TIME,
    },
)
EMAIL_STATISTICS = RawTable(
    "email_statistics",
    ("stats_id",),
    {
        "stats_id": TEXT,
        "campaign_id": INTEGER,
        "lead_email": TEXT,
        "sequence_number": INTEGER,
        "email_campaign_seq_id": INTEGER,
        "lead_category": TEXT,
        "sent_time": TIME,
        "open_time": TIME,
        "click_time": TIME,
        "reply_time": TIME,
        "open_count": INTEGER,
        "click_count": INTEGER,
        "is_unsubscribed": FLAG,
        "is_bounced": FLAG,
        "ignore_reply": FLAG,
        "unknown_fields": JSON,
    },
)
MESSAGES = RawTable(
    "messages",
    ("message_id",),
    {
        "message_id": TEXT,
        "campaign_id": INTEGER,
        "lead_id": INTEGER,
        "stats_id": TEXT,
        "type": TEXT,
        "mailbox": TEXT,
        "lead_email": TEXT,
        "message_time": TIME,
        "sequence_number": INTEGER,
        "subject": TEXT,
        "body_preview": TEXT,
        "unknown_fields": JSON,
    },
)
COUNTS = (
    "sent_count",
    "unique_sent_count",
    "open_count",
    "click_count",
    "reply_count",
    "bounce_count",
    "unsubscribed_count",
    "block_count",
    "total_count",
)
CAMPAIGN_ANALYTICS = RawTable(
    "campaign_analytics",
    ("campaign_id",),
    {"campaign_id": INTEGER, **dict.fromkeys(COUNTS, INTEGER), "payload": JSON},
)
CATEGORIES = RawTable(
    "categories", ("id",), {"id": INTEGER, "name": TEXT, "sentiment_type": TEXT, "unknown_fields": JSON}
)
EMAIL_ACCOUNTS = RawTable(
    "email_accounts",
    ("id",),
    {
        "id": INTEGER,
        "from_email": TEXT,
        "from_name": TEXT,
        "type": TEXT,
        "message_per_day": INTEGER,
        "daily_sent_count": INTEGER,
        "is_suspended": FLAG,
        "is_smtp_success": FLAG,
        "is_imap_success": FLAG,
        "warmup_status": TEXT,
        "warmup_reputation": NUMBER,
        "campaign_ids": JSON,
        "created_at": TIME,
        "unknown_fields": JSON,
        SEEN_AT: TIME,
    },
)


def campaign_row(record: Record) -> Row:
    """A campaign."""
    return {
        "id": record.required_integer("id"),
        "name": record.text("name"),
        "status": record.text("status"),
        "created_at": record.time("created_at"),
        "updated_at": record.time("updated_at"),
        "track_settings": record.json("track_settings"),
        "max_leads_per_day": record.integer("max_leads_per_day"),
        "payload": as_json(harmless(record.content)),
    }


def sequence_row(campaign_id: int, record: Record) -> Row:
    """A step of a campaign's sequence. With variants, the hashes are those of all variants together."""
    delay = record.record("seq_delay_details")
    variants = record.content.get("sequence_variants") or record.content.get("seq_variants")
    return {
        "id": record.required_integer("id"),
        "campaign_id": campaign_id,
        "seq_number": record.integer("seq_number"),
        "delay_days": next(
            (days for name in ("delay_in_days", "delayInDays") if (days := delay.integer(name)) is not None), None
        ),
        "subject_hash": text_hash(_of_variants(variants, "subject") or record.text("subject")),
        "body_hash": text_hash(_of_variants(variants, "email_body") or record.text("email_body")),
    }


def campaign_lead_row(campaign_id: int, record: Record) -> Row:
    """A lead in a campaign; also in the flat form of the documentation, which has no mapping id of its own."""
    lead = record.record("lead") if "lead" in record.content else record
    category = "lead_category_id" if "lead_category_id" in record.content else "category_id"
    lead_id = lead.required_integer("id")
    return {
        "campaign_lead_map_id": record.text("campaign_lead_map_id") or f"{campaign_id}:{lead_id}",
        "campaign_id": campaign_id,
        "lead_id": lead_id,
        "email": lead.text("email"),
        "first_name": lead.text("first_name"),
        "last_name": lead.text("last_name"),
        "company_name": lead.text("company_name"),
        "status": record.text("status"),
        "lead_category_id": record.integer(category),
        "is_unsubscribed": lead.flag("is_unsubscribed"),
        "custom_fields": lead.json("custom_fields"),
        "created_at": record.time("created_at"),
    }


def statistics_row(campaign_id: int, record: Record) -> Row:
    """A mail that was sent, and what became of it."""
    texts = {name: record.text(name) for name in ("lead_email", "lead_category")}
    times = {name: record.time(name) for name in ("sent_time", "open_time", "click_time", "reply_time")}
    counts = {name: record.integer(name) for name in ("open_count", "click_count")}
    flags = {name: record.flag(name) for name in ("is_unsubscribed", "is_bounced", "ignore_reply")}
    return {
        "stats_id": record.required_text("stats_id"),
        "campaign_id": campaign_id,
        "sequence_number": record.integer("sequence_number"),
        "email_campaign_seq_id": record.integer("email_campaign_seq_id"),
        **texts,
        **times,
        **counts,
        **flags,
    }


def message_rows(campaign_id: int, record: Record, where: str) -> Iterator[Row]:
    """The messages exchanged with a lead. A reply shown on several steps is one row, on the latest of them."""
    rows: dict[str, Row] = {}
    for content in sorted(record.items("history"), key=_step):
        row = _message_row(campaign_id, record, Record(content, where))
        rows[row["message_id"]] = row
    yield from rows.values()


def analytics_row(campaign_id: int, record: Record) -> Row:
    """What Smartlead itself counts for a campaign; it writes its counts as text."""
    counts = {name: record.integer(name) for name in COUNTS}
    return {"campaign_id": campaign_id, **counts, "payload": as_json(harmless(record.content))}


def category_row(record: Record) -> Row:
    """A lead category."""
    return {
        "id": record.required_integer("id"),
        "name": record.text("name"),
        "sentiment_type": record.text("sentiment_type"),
    }


def email_account_row(record: Record) -> Row:
    """A mailbox, without the passwords that come with it."""
    warmup = record.record("warmup_details")
    texts = {name: record.text(name) for name in ("from_email", "from_name", "type")}
    counts = {name: record.integer(name) for name in ("message_per_day", "daily_sent_count")}
    flags = {name: record.flag(name) for name in ("is_suspended", "is_smtp_success", "is_imap_success")}
    return {
        "id": record.required_integer("id"),
        **texts,
        **counts,
        **flags,
        "warmup_status": warmup.text("status"),
        "warmup_reputation": _percentage(warmup.text("warmup_reputation")),
        "campaign_ids": record.json("campaign_ids"),
        "created_at": record.time("created_at"),
    }


def _message_row(campaign_id: int, lead: Record, message: Record) -> Row:
    kind = message.required_text("type").upper()
    time = message.time("time")
    stats_id = message.text("stats_id")
    body = message.text("email_body") if kind == "REPLY" else None
    return {
        "message_id": message.text("message_id") or f"{stats_id}:{kind}:{time}",
        "campaign_id": campaign_id,
        "lead_id": lead.integer("lead_id"),
        "stats_id": stats_id,
        "type": kind,
        "mailbox": lead.text("from") or message.text("to" if kind == "REPLY" else "from"),
        "lead_email": lead.text("to") or message.text("from" if kind == "REPLY" else "to"),
        "message_time": time,
        "sequence_number": message.integer("email_seq_number"),
        "subject": message.text("subject"),
        "body_preview": plain_text(body, PREVIEW_CHARACTERS) if body is not None else None,
    }


def _step(message: Any) -> int:
    try:
        return int(message["email_seq_number"])
    except (KeyError, TypeError, ValueError):
        return 0  # written by hand in the master inbox, or malformed and refused later


def _of_variants(variants: Any, name: str) -> str | None:
    if not isinstance(variants, list) or not variants:
        return None
    return as_json([variant.get(name) for variant in variants if isinstance(variant, dict)])


def _percentage(value: str | None) -> float | None:
    """Smartlead writes '95%', 95 or '95'."""
    try:
        return None if value is None else float(value.strip().rstrip("%"))
    except ValueError:
        return None
