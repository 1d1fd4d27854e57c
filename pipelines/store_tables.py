"""The tables of the operational store; a change of them needs a step in store_migrations.py."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

SCHEMA_VERSION = 7

metadata = sa.MetaData()


class UtcTimestamp(sa.types.TypeDecorator[datetime]):
    """A point in time, always with time zone UTC in Python, on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without zone; SQLite stores none, so it gets UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without time zone cannot be stored.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# BIGINT would not autoincrement on SQLite, whose INTEGER is 64 bits wide.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

store_meta = sa.Table(
    "store_meta",
    metadata,
    sa.Column("schema_version", sa.Integer, nullable=False),
)

inbox_events = sa.Table(
    "inbox_events",
    metadata,
    sa.Column("event_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("source", sa.Text, sa.CheckConstraint("source in ('smartlead', 'clay')"), nullable=False),
    sa.Column("channel", sa.Text, sa.CheckConstraint("channel in ('webhook', 'callback', 'poll')"), nullable=False),
    sa.Column("dedupe_key", sa.Text, nullable=False),
    sa.Column("received_at", UtcTimestamp, nullable=False),
    sa.Column("event_type", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("parse_error", sa.Text),
    sa.Column("erased_at", UtcTimestamp),  # only the key is left, so that the fact is not taken again
    sa.UniqueConstraint("source", "dedupe_key"),
    sqlite_autoincrement=True,  # an id is never given twice
)

clay_submissions = sa.Table(
    "clay_submissions",
    metadata,
    sa.Column("submission_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("campaign_id", sa.Text, nullable=False),
    sa.Column("campaign_member_id", sa.Text, nullable=False),
    sa.Column("lead_id", sa.Text, nullable=False),
    sa.Column("table_id", sa.Text, nullable=False),
    sa.Column("payload_hash", sa.Text, nullable=False),
    sa.Column(
        "status",
        sa.Text,
        sa.CheckConstraint("status in ('intent', 'accepted', 'rejected', 'unknown')"),
        nullable=False,
    ),
    sa.Column("intent_at", UtcTimestamp, nullable=False),
    sa.Column("settled_at", UtcTimestamp),
    sa.Column("detail", sa.Text),
    sa.Column("times_sent", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("table_id", "campaign_member_id"),
    sqlite_autoincrement=True,
)

clay_lookups = sa.Table(  # a row for each request, since each may cost
    "clay_lookups",
    metadata,
    sa.Column("lookup_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.Text, sa.CheckConstraint("subject in ('person', 'company')"), nullable=False),
    sa.Column("lookup_key", sa.Text, nullable=False),
    sa.Column(
        "status",
        sa.Text,
        sa.CheckConstraint("status in ('intent', 'found', 'missed', 'refused', 'unreadable')"),
        nullable=False,
    ),
    sa.Column("credits", sa.Integer, nullable=False),
    sa.Column("is_price_named", sa.Boolean, nullable=False),
    sa.Column("asked_at", UtcTimestamp, nullable=False),
    sa.Column("answered_at", UtcTimestamp),
    sa.Column("http_status", sa.Integer),
    sa.Column("answer", sa.Text),
    sa.Index("clay_lookups_by_time", "asked_at"),
    sqlite_autoincrement=True,
)

ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("entry_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("plan_id", sa.Text, nullable=False),
    sa.Column("entry_type", sa.Text, nullable=False),
    sa.Column("change_id", sa.Text, nullable=False),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("before_value", sa.Text),
    sa.Column("after_value", sa.Text),
    sa.Column("current_value", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("approval_id", sa.Text),
    sa.Column("build_id", sa.Text, nullable=False),
    sa.Column("recorded_at", UtcTimestamp, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("entry_hash", sa.Text, nullable=False),
    sa.Column("actor", sa.Text),
    sa.Index("ledger_entries_of_a_change", "run_id", "change_id"),
    sqlite_autoincrement=True,
)

sign_offs = sa.Table(
    "sign_offs",
    metadata,
    sa.Column("sign_off_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("campaign_id", sa.Text, nullable=False),
    sa.Column("gate", sa.Text, nullable=False),
    sa.Column("figures", sa.Text, nullable=False),
    sa.Column("build_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("signed_by", sa.Text, nullable=False),
    sa.Column("signed_at", UtcTimestamp, nullable=False),
    sa.Column("used_at", UtcTimestamp),
    sqlite_autoincrement=True,
)

accepted_matches = sa.Table(
    "accepted_matches",
    metadata,
    sa.Column("match_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("event_source", sa.Text, nullable=False),
    sa.Column("event_key", sa.Text, nullable=False),
    sa.Column("action", sa.Text, sa.CheckConstraint("action in ('accept', 'withdraw')"), nullable=False),
    sa.Column("org", sa.Text),
    sa.Column("campaign_member_id", sa.Text),
    sa.Column("lead_id", sa.Text),
    sa.Column("smartlead_campaign_id", sa.BigInteger),
    sa.Column("email", sa.Text),
    sa.Column("unmatched_reason", sa.Text),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("decided_at", UtcTimestamp, nullable=False),
    sqlite_autoincrement=True,
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("started_at", UtcTimestamp, nullable=False),
    sa.Column("ended_at", UtcTimestamp),
    sa.Column("exit_code", sa.Integer),
    sa.Column("summary", sa.Text),
)

run_steps = sa.Table(
    "run_steps",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("started_at", UtcTimestamp, nullable=False),
    sa.Column("ended_at", UtcTimestamp),
    sa.Column("exit_code", sa.Integer),
    sa.Column("detail", sa.Text),
    sa.Column("summary", sa.Text),
    sa.Column("done_in_run_id", sa.Text),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("incident_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("opened_at", UtcTimestamp, nullable=False),
    sa.Column("closed_at", UtcTimestamp),
    sqlite_autoincrement=True,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("message_key", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, sa.CheckConstraint("channel in ('email', 'webhook')"), primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("intent_at", UtcTimestamp, nullable=False),
    sa.Column("sent_at", UtcTimestamp),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("detail", sa.Text),
)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("erasure_id", sa.Text, primary_key=True),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", UtcTimestamp, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),  # JSON: rows by place
    sa.Column("by_hand", sa.Text),  # JSON: ids in the three services, until the erasure is complete
    sa.Column("completed_at", UtcTimestamp),
)

erased_identities = sa.Table(
    "erased_identities",
    metadata,
    sa.Column("keyed_hash", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, sa.CheckConstraint("kind in ('email', 'record', 'smartlead')"), nullable=False),
    sa.Column("erasure_id", sa.Text, nullable=False),
)
