"""The raw tables of Clay: their columns, and how rows come about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.clay.client import cell, cell_value
from pipelines.clay.lookups.answers import record_of
from pipelines.errors import DataError
from pipelines.raw_tables import FLAG, INTEGER, JSON, TEXT, TIME, RawTable, Record, Row, as_json

ROW_ID_NAMES = ("id", "row_id", "_id")
UPDATED_AT_NAMES = ("updated_at", "updatedAt", "Updated At")

TABLE_ROWS = RawTable(
    "table_rows",
    ("table_id", "row_id"),
    {"table_id": TEXT, "row_id": TEXT, "updated_at": TIME, "cells": JSON},
)
CALLBACK_EVENTS = RawTable(
    "callback_events",
    ("event_id",),
    {
        "event_id": INTEGER,
        "dedupe_key": TEXT,
        "received_at": TIME,
        "kind": TEXT,
        "payload": JSON,
        "parse_error": TEXT,
    },
)
CALLBACK_COLUMNS = "event_id, dedupe_key, received_at, event_type as kind, payload, parse_error"
SUBMISSIONS = RawTable(
    "submissions",
    ("submission_id",),
    {
        "submission_id": INTEGER,
        "org": TEXT,
        "campaign_id": TEXT,
        "campaign_member_id": TEXT,
        "lead_id": TEXT,
        "table_id": TEXT,
        "payload_hash": TEXT,
        "status": TEXT,
        "intent_at": TIME,
        "settled_at": TIME,
        "detail": TEXT,
    },
)
LOOKUPS = RawTable(
    "lookups",
    ("lookup_id",),
    {
        "lookup_id": INTEGER,
        "subject": TEXT,
        "lookup_key": TEXT,
        "status": TEXT,
        "credits": INTEGER,
        "is_price_named": FLAG,
        "asked_at": TIME,
        "answered_at": TIME,
        "http_status": INTEGER,
        "record": JSON,
        "answer": JSON,
    },
)
CSV_ROWS = RawTable(
    "csv_rows",
    ("file_sha256", "row_number"),
    {"file_name": TEXT, "file_sha256": TEXT, "row_number": INTEGER, "payload": JSON},
)


def lookup_row(row: Mapping[Any, Any]) -> Row:
    """A row of the store's lookups, and the person's or company's record inside the answer, wherever it stands."""
    try:
        record = record_of(row["subject"], json.loads(row["answer"])) if row["status"] == "found" else None
    except DataError:  # it was understood by another version of us
        record = None
    return {**row, "record": as_json(record) if record else None}


def table_row(table_id: str, content: Any) -> Row:
    """A row of a Clay table: every column is a cell with its status."""
    where = f"Clay's table {table_id}"
    columns = Record(content, where).content
    system = {name: cell_value(columns[name]) for name in (*ROW_ID_NAMES, *UPDATED_AT_NAMES) if name in columns}
    row_id = next((name for name in ROW_ID_NAMES if system.get(name)), "id")
    updated_at = next((name for name in UPDATED_AT_NAMES if system.get(name)), "updated_at")
    record = Record(system, where)
    own = columns["cells"] if isinstance(columns.get("cells"), dict) else columns
    cells = {name: cell(value) for name, value in own.items() if name not in {row_id, updated_at}}
    return {
        "table_id": table_id,
        "row_id": record.required_text(row_id),
        "updated_at": record.time(updated_at),
        "cells": as_json(cells),
    }
