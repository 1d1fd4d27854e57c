"""One day of Clay: rows are enriched when they are due, replies are classified, and both are called back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.clay.enrichment import enrich
from sandbox.clay.tables import cell
from sandbox.database import Database, Row
from sandbox.smartlead.texts import is_automatic
from sandbox.world.catalog import AI_CAMPAIGNS, REPLIES_TABLE
from sandbox.world.nature import disposition, normal, unit

WRONG_SHARE = 0.08
MINUTES_TO_CLASSIFY = 15
BATCH = 1_000
CLASSES = ("Positive", "Neutral", "Negative")
TABLE_OF = {campaign.smartlead_campaign_id: campaign.clay_table_id for campaign in AI_CAMPAIGNS}
CAMPAIGN_OF = {table: campaign for campaign, table in TABLE_OF.items()}


class Simulation:
    """What Clay does with the rows it has taken."""

    def __init__(self, database: Database, seed: int) -> None:
        self._db = database
        self._seed = seed

    def enrich_due_rows(self, day: date, now: datetime, *, call_back: bool = True) -> None:
        """Enrich what is due by a day, and queue the callbacks."""
        place = 0
        while due := self._db.rows(
            "select * from rows where status = 'pending' and due_on <= ? and table_id <> ? order by row_number limit ?",
            [day.isoformat(), REPLIES_TABLE, BATCH],
        ):
            with self._db.transaction():
                for row in due:
                    self._enrich(row, now + timedelta(seconds=place), call_back=call_back)
                    place += 1

    def unpushed(self, table_id: str, size: int) -> Iterator[list[Row]]:
        """Enriched rows of a table that Smartlead does not have yet, in batches."""
        last = 0
        while rows := self._db.rows(
            "select * from rows where status = 'done' and pushed_at is null and table_id = ? and row_number > ?"
            " order by row_number limit ?",
            [table_id, last, size],
        ):
            last = rows[-1]["row_number"]
            yield rows

    def mark_pushed(self, rows: list[Row], now: datetime) -> None:
        """Remember that Smartlead has taken rows."""
        with self._db.transaction():
            for row in rows:
                self._db.execute("update rows set pushed_at = ? where row_id = ?", [now.isoformat(), row["row_id"]])

    def classify_replies(self, now: datetime, *, call_back: bool = True) -> None:
        """Classify new replies, and run the column again for earlier ones where that is due."""
        with self._db.transaction():
            for row in self._db.rows(
                "select * from rows where status = 'pending' and table_id = ? order by row_number", [REPLIES_TABLE]
            ):
                self._classify(row, call_back=call_back)
            for due in self._db.rows(
                "select * from corrections where due_on <= ? order by id", [now.date().isoformat()]
            ):
                row = self._db.row("select * from rows where row_id = ?", [due["row_id"]]) or {}
                self._give(row, due["classification"], now, call_back=call_back, is_correction=True)
                self._db.execute("delete from corrections where id = ?", [due["id"]])

    def _enrich(self, row: Row, now: datetime, *, call_back: bool) -> None:
        inputs = json.loads(row["inputs"])
        found = enrich(self._seed, inputs)
        content = {
            "kind": "enrichment",
            **{name: inputs.get(name) for name in ("org", "CampaignMemberId", "LeadId", "email")},
            **found.values,
            "enriched_at": _clay_time(now),
            "attempts": found.attempts,
        }
        self._finish(row, content, now, call_back=call_back, errors=found.errors)

    def _classify(self, row: Row, *, call_back: bool) -> None:
        """The AI column. Automatic replies get nothing, and nobody is called back for them."""
        inputs = json.loads(row["inputs"])
        right = disposition(self._seed, inputs["email"]).classification
        now = datetime.fromisoformat(inputs["replied_at"]) + timedelta(minutes=MINUTES_TO_CLASSIFY)
        if right is None or is_automatic(inputs["text"]):
            self._db.execute(
                "update rows set status = 'skipped', cells = ?, updated_at = ? where row_id = ?",
                [json.dumps({"classification": cell(None)}), now.isoformat(), row["row_id"]],
            )
            return
        given = right
        if unit(self._seed, "misread", row["row_key"]) < WRONG_SHARE:
            others = [one for one in CLASSES if one != right]
            given = others[int(unit(self._seed, "misread as", row["row_key"]) * len(others))]
            due_on = (now.date() + timedelta(days=2)).isoformat()
            self._db.insert("corrections", {"due_on": due_on, "row_id": row["row_id"], "classification": right})
        self._give(row, given, now, call_back=call_back, is_correction=False)

    def _give(self, row: Row, classification: str, now: datetime, *, call_back: bool, is_correction: bool) -> None:
        inputs = json.loads(row["inputs"])
        content = {
            "kind": "reply_classification",
            **self._person(int(inputs["smartlead_campaign_id"]), inputs["email"]),
            "email": inputs["email"],
            "smartlead_campaign_id": str(inputs["smartlead_campaign_id"]),
            "message_id": inputs["message_id"],
            "classification": classification,
            "classified_at": _clay_time(now),
        }
        given = {"row_id": row["row_id"], "classification": classification, "given_at": now.isoformat()}
        self._db.insert("classifications", given | {"is_correction": is_correction})
        self._finish(row, content, now, call_back=call_back, errors={})

    def _person(self, smartlead_campaign_id: int, email: str) -> dict[str, Any]:
        """The member behind an address: a lookup in the campaign's lead table, where an address may stand twice."""
        row = self._db.row(
            "select inputs from rows where email = ? and table_id = ? order by row_number limit 1",
            [normal(email), TABLE_OF.get(smartlead_campaign_id, "")],
        )
        inputs = json.loads(row["inputs"]) if row else {}
        return {name: inputs.get(name) for name in ("org", "CampaignMemberId", "LeadId")}

    def _finish(
        self, row: Row, content: dict[str, Any], now: datetime, *, call_back: bool, errors: dict[str, str]
    ) -> None:
        cells = {name: cell(value) for name, value in content.items()}
        cells |= {name: cell(RuntimeError(error)) for name, error in errors.items()}
        self._db.execute(
            "update rows set status = 'done', cells = ?, updated_at = ? where row_id = ?",
            [json.dumps(cells), now.isoformat(), row["row_id"]],
        )
        if call_back:
            body = {"table_id": row["table_id"], "row_id": row["row_id"]} | content
            self._db.insert("callbacks", {"body": {name: value for name, value in body.items() if value is not None}})


def smartlead_lead(row: Row) -> dict[str, Any]:
    """A row as it is handed to Smartlead, with its ids in the custom fields, if they survive."""
    inputs, fate = json.loads(row["inputs"]), row["ids_fate"]
    ids = {
        name: _on_the_way(str(inputs[name]), fate)
        for name in ("CampaignMemberId", "LeadId")
        if inputs.get(name) and fate != "lost"
    }
    return {
        "email": inputs["email"],
        "first_name": inputs.get("first_name"),
        "last_name": inputs.get("last_name"),
        "company_name": inputs.get("company"),
        "custom_fields": {"org": inputs.get("org")} | ids,
    }


def _on_the_way(record_id: str, fate: str) -> str:
    """What becomes of an id between Clay and Smartlead: the short form is still right, a change of case is not."""
    if fate == "cut":
        return record_id[:15]
    return record_id.upper() if fate == "mangled" else record_id


def _clay_time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
