"""One day of Clay: rows are enriched when they are due, replies are classified, and both are called back."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.clay.enrichment import enrich
from sandbox.database import Database, Row
from sandbox.world.catalog import AI_CAMPAIGNS, REPLIES_TABLE
from sandbox.world.nature import CLASSIFICATIONS, disposition, normal, unit

LATE_SHARE = 0.10
WRONG_SHARE = 0.08
TABLE_OF = {campaign.smartlead_campaign_id: campaign.clay_table_id for campaign in AI_CAMPAIGNS}
CAMPAIGN_OF = {table: campaign for campaign, table in TABLE_OF.items()}
ABSENCE_WORDS = ("out of the office", "nicht im büro", "absent du bureau", "on annual leave")


class Simulation:
    """What Clay does with the rows it has taken."""

    def __init__(self, database: Database, seed: int) -> None:
        self._db = database
        self._seed = seed

    def take_row(self, table_id: str, row_key: str, inputs: dict[str, Any], now: datetime) -> None:
        """Add a row; one whose key is there already stays as it is, as with automatic deduplication."""
        days = (
            1 + int(unit(self._seed, "late", row_key) * 3) if unit(self._seed, "is late", row_key) < LATE_SHARE else 0
        )
        self._db.execute(
            "insert or ignore into rows (row_id, table_id, row_key, inputs, submitted_at, due_on, updated_at, ids_fate)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                f"r_{table_id}_{row_key}",
                table_id,
                row_key,
                json.dumps(inputs),
                now.isoformat(),
                (now.date() + timedelta(days=days)).isoformat(),
                now.isoformat(),
                self._ids_fate(row_key),
            ],
        )

    def enrich_due_rows(self, day: date, now: datetime, *, call_back: bool = True) -> list[Row]:
        """Enrich what is due, queue its callbacks, and return the rows that are ready for Smartlead."""
        with self._db.transaction():
            due = self._db.rows(
                "select * from rows where status = 'pending' and due_on <= ? and table_id <> ? order by row_number",
                [day.isoformat(), REPLIES_TABLE],
            )
            for place, row in enumerate(due):
                self._enrich(row, now + timedelta(seconds=place), call_back=call_back)
        return self.unpushed_rows()

    def unpushed_rows(self) -> list[Row]:
        """Enriched rows that Smartlead does not have yet."""
        return self._db.rows(
            "select * from rows where status = 'done' and pushed_at is null and table_id <> ? order by row_number",
            [REPLIES_TABLE],
        )

    def mark_pushed(self, rows: list[Row], now: datetime) -> None:
        """Remember that Smartlead has taken rows."""
        with self._db.transaction():
            for row in rows:
                self._db.execute("update rows set pushed_at = ? where row_id = ?", [now.isoformat(), row["row_id"]])

    def smartlead_lead(self, row: Row) -> dict[str, Any]:
        """A row as it is handed to Smartlead, with its ids in the custom fields, if they survived."""
        inputs = json.loads(row["inputs"])
        fields: dict[str, Any] = {"org": inputs["org"]}
        for name in ("CampaignMemberId", "LeadId"):
            if row["ids_fate"] != "lost":
                fields[name] = _on_the_way(inputs[name], row["ids_fate"])
        return {
            "email": inputs["email"],
            "first_name": inputs.get("first_name"),
            "last_name": inputs.get("last_name"),
            "company_name": inputs.get("company"),
            "custom_fields": fields,
        }

    def take_reply(self, body: dict[str, Any], now: datetime) -> None:
        """A reply that Smartlead's webhook brings; every message once."""
        message = body["reply_message"]
        inputs = {
            "smartlead_campaign_id": body["campaign_id"],
            "email": body["sl_lead_email"],
            "message_id": message["message_id"],
            "text": message["text"],
            "replied_at": message["time"],
        }
        self.take_row(REPLIES_TABLE, message["message_id"], inputs, now)

    def classify_replies(self, now: datetime, *, call_back: bool = True) -> None:
        """Classify new replies and correct earlier ones where that is due."""
        with self._db.transaction():
            for row in self._db.rows(
                "select * from rows where table_id = ? and status = 'pending' order by row_number", [REPLIES_TABLE]
            ):
                self._classify(row, call_back=call_back)
            for correction in self._db.rows(
                "select * from corrections where due_on <= ? order by id", [now.date().isoformat()]
            ):
                row = self._db.row("select * from rows where row_id = ?", [correction["row_id"]]) or {}
                self._give_classification(row, correction["classification"], now, call_back=call_back)
                self._db.execute("delete from corrections where id = ?", [correction["id"]])

    def _enrich(self, row: Row, now: datetime, *, call_back: bool) -> None:
        inputs = json.loads(row["inputs"])
        found = enrich(self._seed, inputs)
        content = {
            "kind": "enrichment",
            **{name: inputs.get(name) for name in ("org", "CampaignMemberId", "LeadId", "email")},
            **found.values,
            "enriched_at": now.isoformat().replace("+00:00", "Z"),
            "attempts": found.attempts,
        }
        self._finish(row, content, now, call_back=call_back)

    def _classify(self, row: Row, *, call_back: bool) -> None:
        """The AI column. Automatic replies get nothing; a person never hears of them."""
        inputs = json.loads(row["inputs"])
        right = CLASSIFICATIONS.get(disposition(self._seed, inputs["email"]))
        now = datetime.fromisoformat(inputs["replied_at"]) + timedelta(minutes=15)
        if right is None or any(word in inputs["text"].lower() for word in ABSENCE_WORDS):
            self._db.execute("update rows set status = 'skipped' where row_id = ?", [row["row_id"]])
            return
        given = right
        if unit(self._seed, "misread", row["row_key"]) < WRONG_SHARE:
            given = "Neutral" if right != "Neutral" else "Positive"
            due_on = (now.date() + timedelta(days=2)).isoformat()
            self._db.insert("corrections", {"due_on": due_on, "row_id": row["row_id"], "classification": right})
        self._give_classification(row, given, now, call_back=call_back)

    def _give_classification(self, row: Row, classification: str, now: datetime, *, call_back: bool) -> None:
        inputs = json.loads(row["inputs"])
        person = self._person(int(inputs["smartlead_campaign_id"]), inputs["email"])
        content = {
            "kind": "reply_classification",
            **person,
            "email": inputs["email"],
            "smartlead_campaign_id": str(inputs["smartlead_campaign_id"]),
            "message_id": inputs["message_id"],
            "classification": classification,
            "classified_at": now.isoformat().replace("+00:00", "Z"),
        }
        self._finish(row, content, now, call_back=call_back)

    def _person(self, smartlead_campaign_id: int, email: str) -> dict[str, Any]:
        """The member behind an address: a lookup in the campaign's lead table."""
        row = self._db.row(
            "select inputs from rows where table_id = ? and lower(json_extract(inputs, '$.email')) = ?",
            [TABLE_OF.get(smartlead_campaign_id, ""), normal(email)],
        )
        inputs = json.loads(row["inputs"]) if row else {}
        return {name: inputs.get(name) for name in ("org", "CampaignMemberId", "LeadId")}

    def _finish(self, row: Row, content: dict[str, Any], now: datetime, *, call_back: bool) -> None:
        cells = {name: _cell(value) for name, value in content.items()}
        self._db.execute(
            "update rows set status = 'done', cells = ?, updated_at = ? where row_id = ?",
            [json.dumps(cells), now.isoformat(), row["row_id"]],
        )
        if call_back:
            body = {"table_id": row["table_id"], "row_id": row["row_id"]} | content
            self._db.insert("callbacks", {"body": {name: value for name, value in body.items() if value is not None}})

    def _ids_fate(self, row_key: str) -> str:
        draw = unit(self._seed, "ids", row_key)
        return "lost" if draw < 0.015 else "mangled" if draw < 0.03 else "cut" if draw < 0.07 else "kept"


def _on_the_way(record_id: str, fate: str) -> str:
    """What becomes of an id between Clay and Smartlead: the short form is still right, a change of case is not."""
    if fate == "cut":
        return record_id[:15]
    return record_id.upper() if fate == "mangled" else record_id


def _cell(value: Any) -> dict[str, Any]:
    return {"status": "empty"} if value is None else {"status": "success", "value": value}
