"""What Smartlead sends beyond the shapes that are known: kept, and reported, never dropped.

A field that nobody has seen before stays with its row, in ``unknown_fields``. A record that cannot be read is set aside
whole in ``set_aside_records``, and the others go on (R6). Both are named in the notes of the load. Neither keeps a
password, and long texts only as hashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from pipelines.errors import DataError
from pipelines.raw_tables import INTEGER, JSON, TEXT, TIME, RawTable, Record, Row, as_json
from pipelines.smartlead.text import text_hash

SECRET_WORDS = ("password", "secret", "api_key", "token")
LONGEST_TEXT = 300
SET_ASIDE = RawTable(
    "set_aside_records",
    ("record_hash", "read_at"),  # so that the first time is known
    {
        "record_hash": TEXT,
        "table_name": TEXT,
        "campaign_id": INTEGER,
        "problem": TEXT,
        "payload": JSON,
        "read_at": TIME,
    },
)
# What was captured live or is documented, whether we land it or not.
KNOWN_FIELDS = {
    table: frozenset(fields.split())
    for table, fields in {
        "sequences": "id created_at updated_at email_campaign_id seq_number seq_delay_details seq_type subject"
        " email_body sequence_variants seq_variants variant_distribution_type",
        "campaign_leads": "campaign_lead_map_id lead_category_id status created_at lead id email first_name last_name"
        " category_id category_name email_stats phone_number company_name website location custom_fields"
        " linkedin_profile company_url is_unsubscribed unsubscribed_client_id_map",
        "email_statistics": "lead_name lead_email lead_category sequence_number stats_id email_campaign_seq_id"
        " seq_variant_id email_subject email_message sent_time open_time click_time reply_time open_count click_count"
        " is_unsubscribed is_bounced ignore_reply",
        "messages": "lead_id from to status history",
        "categories": "id name created_at sentiment_type",
        "email_accounts": "id created_at updated_at user_id from_name from_email minTimeToWaitInMins username password"
        " smtp_host smtp_port smtp_port_type message_per_day different_reply_to_address is_different_imap_account"
        " imap_username imap_password imap_host imap_port imap_port_type signature custom_tracking_domain bcc_email"
        " is_smtp_success is_imap_success smtp_failure_error imap_failure_error type daily_sent_count client_id"
        " campaign_count is_suspended tags warmup_details campaign_ids",
    }.items()
}


class ShapeWatch:
    """Notes what is unknown while an account is read."""

    def __init__(self) -> None:
        self._unknown: Counter[str] = Counter()
        self._set_aside: list[Row] = []

    def rows(
        self,
        table: RawTable,
        records: Iterable[Any],
        where: str,
        read: Callable[[Record], Iterable[Row]],
        read_at: datetime,
        campaign_id: int | None,
    ) -> Iterator[Row]:
        """The rows of the records that can be read, each with its unknown fields; the others are set aside."""
        for content in records:
            try:
                rows = list(read(Record(content, where)))
            except DataError as problem:
                self._put_aside(table, content, problem, read_at, campaign_id)
                continue
            unknown = self._unknown_fields(table, content)
            yield from ({**row, "unknown_fields": unknown} for row in rows)

    def set_aside(self) -> Iterator[Sequence[Row]]:
        """The records that could not be read."""
        yield self._set_aside

    def notes(self) -> list[str]:
        """One sentence for each kind of surprise, without contents."""
        aside = Counter((row["table_name"], row["problem"]) for row in self._set_aside)
        return [
            f"Smartlead sends a field that is not known: {field}, in {records:,} records; it is kept in unknown_fields."
            for field, records in sorted(self._unknown.items())
        ] + [
            f"Smartlead: {records:,} records of {table} could not be read and are in set_aside_records: {problem}"
            for (table, problem), records in sorted(aside.items())
        ]

    def _unknown_fields(self, table: RawTable, content: dict[str, Any]) -> str | None:
        known = KNOWN_FIELDS[table.name]
        unknown = {name: value for name, value in content.items() if name not in known}
        lead = content.get("lead")
        if isinstance(lead, dict):
            unknown |= {f"lead.{name}": value for name, value in lead.items() if name not in known}
        self._unknown.update(f"{table.name}.{name}" for name in unknown)
        return as_json(harmless(unknown)) if unknown else None

    def _put_aside(
        self, table: RawTable, content: Any, problem: DataError, read_at: datetime, campaign_id: int | None
    ) -> None:
        payload = as_json(harmless(content))
        self._set_aside.append(
            {
                "record_hash": text_hash(f"{table.name}|{campaign_id}|{payload}"),
                "table_name": table.name,
                "campaign_id": campaign_id,
                "problem": problem.message,
                "payload": payload,
                "read_at": read_at,
            }
        )


def harmless(value: Any) -> Any:
    """A value without what is secret by its name, and with hashes in place of long texts."""
    if isinstance(value, dict):
        return {
            name: harmless(inner)
            for name, inner in value.items()
            if not any(word in name.lower() for word in SECRET_WORDS)
        }
    if isinstance(value, list):
        return [harmless(inner) for inner in value]
    return f"sha256:{text_hash(value)}" if isinstance(value, str) and len(value) > LONGEST_TEXT else value
