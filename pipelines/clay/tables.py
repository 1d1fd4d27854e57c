"""The raw tables of Clay: their columns, and how rows come about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from pipelines.clay.client import cell, cell_value
from pipelines.clay.lookups.answers import record_of
from pipelines.errors import DataError
from pipelines.raw_tables import FLAG, INTEGER, JSON, SEEN_AT, TEXT, TIME, RawTable, Record, Row, as_json

ROW_ID_NAMES = ("id", "row_id", "_id")
UPDATED_AT_NAMES = ("updated_at", "updatedAt", "Updated At")

TABLE_ROWS = RawTable(
    "table_rows",
    ("table_id", "row_id"),
    {"table_id": TEXT, "row_id": TEXT, "updated_at": TIME, "cells": JSON, SEEN_AT: TIME},
)
SET_ASIDE = RawTable(  # what the last load met
    "set_aside_records",
    ("table_id", "record_hash"),
    {
        "table_id": TEXT,
        "record_hash": TEXT,
        "problem": TEXT,
        "payload": JSON,
        "updated_at": TIME,
        "read_at": TIME,
    },
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


def table_row(table_id: str, content: Any, place: str = "") -> Row:
    """A row of a Clay table: every column is a cell with its status. A time that cannot be read stays one of the cells.

    A row without an id, or that is no object, goes by the hash of its content; ``problem`` says what is wrong with it,
    and where: ``place`` follows the table's name.
    """
    where = f"Clay's table {table_id}{place}"
    system = _system_columns(content, where)
    times = {name: time for name in UPDATED_AT_NAMES if (time := system.time_or_none(name))}
    time_name, updated_at = next(iter(times.items()), ("", None))
    row = {"table_id": table_id, "updated_at": updated_at}
    id_name = next((name for name in ROW_ID_NAMES if system.content.get(name)), "id")
    try:
        columns = Record(content, where).content
        row_id = system.required_text(id_name)
    except DataError as error:
        whole = as_json(content)
        return row | {"row_id": sha256(whole.encode()).hexdigest(), "cells": whole, "problem": error.message}
    own = columns["cells"] if isinstance(columns.get("cells"), dict) else columns
    cells = {name: _cell(value) for name, value in own.items() if name not in {id_name, time_name}}
    return row | {"row_id": row_id, "cells": as_json(cells), "problem": None}


def set_aside_row(row: Row, read_at: datetime) -> Row:
    """A row with a problem, as it is set aside."""
    same = {name: row[name] for name in ("table_id", "problem", "updated_at")}
    return {**same, "record_hash": row["row_id"], "payload": row["cells"], "read_at": read_at}


def _system_columns(content: Any, where: str) -> Record:
    """The values of those columns that Clay itself fills, or that a person has called like them."""
    columns = content if isinstance(content, dict) else {}
    names = (*ROW_ID_NAMES, *UPDATED_AT_NAMES)
    return Record({name: cell_value(columns[name]) for name in names if name in columns}, where)


def _cell(content: Any) -> dict[str, Any]:
    """A cell as it lands; a bare value may be an object with a status of its own."""
    is_value = isinstance(content, dict) and isinstance(content.get("status"), dict | list)
    return {"status": "success", "value": content} if is_value else cell(content)
