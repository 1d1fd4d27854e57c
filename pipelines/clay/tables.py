"""The raw tables of Clay: their columns, and how rows come about."""

from __future__ import annotations

from typing import Any

from pipelines.clay.client import cell, cell_value
from pipelines.raw_tables import INTEGER, JSON, TEXT, TIME, RawTable, Record, Row, as_json

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
CSV_ROWS = RawTable(
    "csv_rows",
    ("file_sha256", "row_number"),
    {"file_name": TEXT, "file_sha256": TEXT, "row_number": INTEGER, "payload": JSON},
)


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
