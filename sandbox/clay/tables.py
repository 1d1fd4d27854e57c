"""Clay's tables: what a webhook source takes, silently or not, and what the table shows of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.clay.state import ROWS_PER_TABLE, SUBMISSIONS_PER_SOURCE
from sandbox.database import Database, Row
from sandbox.world.catalog import CLAY_TABLES, REPLIES_TABLE
from sandbox.world.nature import normal, unit

LATE_SHARE = 0.10
IDS_FATES = {"lost": 0.015, "mangled": 0.03, "cut": 0.07}  # the limits of a draw; the rest is kept
TABLES = (*CLAY_TABLES, REPLIES_TABLE)
PENDING_CELL = {REPLIES_TABLE: "classification"}


@dataclass(frozen=True)
class TableOptions:
    """How the workspace's tables are set up."""

    submissions_per_source: int = SUBMISSIONS_PER_SOURCE
    rows_per_table: int = ROWS_PER_TABLE
    auto_dedupe: Mapping[str, bool] = field(default_factory=dict)  # by table; on where nothing is said


class SourceFullError(Exception):
    """The webhook source has taken all the submissions of its life."""


class Tables:
    """The rows of all tables."""

    def __init__(self, database: Database, seed: int, options: TableOptions | None = None) -> None:
        self._db = database
        self._seed = seed
        self._options = options or TableOptions()

    def submit(self, table_id: str, content: Row, now: datetime, fate: str | None = None) -> None:
        """Take a submission to a table's webhook; a full table takes it and forgets it.

        Args:
            table_id: the table.
            content: the row.
            now: the world's time.
            fate: ``forget`` loses this row silently, ``twice`` makes two of it although the table deduplicates.

        Raises:
            SourceFullError: the source takes no more.
        """
        self._db.execute("insert or ignore into sources (table_id) values (?)", [table_id])
        taken = self._db.value("select submissions from sources where table_id = ?", [table_id])
        if taken >= self._options.submissions_per_source:
            raise SourceFullError
        self._db.execute("update sources set submissions = submissions + 1 where table_id = ?", [table_id])
        rows = self._db.value("select count(*) from rows where table_id = ?", [table_id])
        if rows >= self._options.rows_per_table or fate == "forget":
            return
        if table_id == REPLIES_TABLE:
            self.add_reply(content, now)
        else:
            row_key = str(content.get("CampaignMemberId") or "")
            self.add(table_id, row_key, content, now)
            if fate == "twice":
                self.add(table_id, row_key, content, now, is_deduplicated=False)

    def add(
        self, table_id: str, row_key: str, inputs: Row, now: datetime, *, is_deduplicated: bool | None = None
    ) -> None:
        """Add a row. With automatic deduplication, of rows with the same key the oldest stays; blank keys are many."""
        twins = self._db.value("select count(*) from rows where table_id = ? and row_key = ?", [table_id, row_key])
        if is_deduplicated is None:
            is_deduplicated = self._options.auto_dedupe.get(table_id, True)
        if twins and row_key and is_deduplicated:
            return
        key = f"{table_id} {row_key} {twins}"
        late_days = 1 + int(self._unit("late", key) * 3) if self._unit("is late", key) < LATE_SHARE else 0
        row = {
            "row_id": f"r_{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:20]}",
            "table_id": table_id,
            "row_key": row_key,
            "email": normal(str(inputs.get("email") or "")),
            "inputs": json.dumps(inputs),
            "submitted_at": now.isoformat(),
            "due_on": (now.date() + timedelta(days=late_days)).isoformat(),
            "updated_at": now.isoformat(),
            "ids_fate": self._ids_fate(key),
        }
        self._db.insert("rows", row)

    def add_reply(self, body: Row, now: datetime) -> None:
        """Add what Smartlead's webhook brings of a reply."""
        message = body["reply_message"]
        inputs = {
            "smartlead_campaign_id": body["campaign_id"],
            "email": body["sl_lead_email"],
            "message_id": message["message_id"],
            "text": message["text"],
            "replied_at": datetime.fromisoformat(message["time"]).isoformat(timespec="seconds"),
        }
        self.add(REPLIES_TABLE, message["message_id"], inputs, now)

    def page(self, table_id: str, limit: int, offset: int) -> tuple[list[Row], str | None]:
        """Rows, least recently updated first, and the cursor of the next page; its first row was shown before."""
        rows = self._db.rows(
            "select * from rows where table_id = ? order by updated_at, row_number limit ? offset ?",
            [table_id, limit + 1, offset],
        )
        cursor = str(offset + max(limit - 1, 1)) if len(rows) > limit else None
        return [_shown(row) for row in rows[:limit]], cursor

    def _ids_fate(self, key: str) -> str:
        draw = self._unit("ids", key)
        return next((fate for fate, limit in IDS_FATES.items() if draw < limit), "kept")

    def _unit(self, what: str, key: str) -> float:
        return unit(self._seed, what, key)


def cell(value: Any) -> Row:
    """A finished cell: with a value, empty, or with an error."""
    if isinstance(value, Exception):
        return {"status": "error", "error": str(value)}
    return {"status": "empty"} if value is None else {"status": "success", "value": value}


def _shown(row: Row) -> Row:
    cells = {name: cell(value) for name, value in json.loads(row["inputs"]).items()} | json.loads(row["cells"])
    if row["status"] == "pending":
        cells[PENDING_CELL.get(row["table_id"], "enriched_at")] = {"status": "pending"}
    return {"id": row["row_id"], "updated_at": row["updated_at"], "cells": cells}
