"""Loading stored webhooks into the warehouse, against the least: a scan of the store, and DuckDB reading parquet."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from rich.table import Table

from benchmarks.measure import Run, run, table
from pipelines.config import Settings
from pipelines.store import open_store, writing
from pipelines.store_tables import inbox_events

BATCH_EVENTS = 10_000
OURS = """
from pipelines.config import load_settings
from pipelines.smartlead.loader import webhooks_of
from pipelines.store import open_store
settings = load_settings()
webhooks_of(settings, open_store(settings)).finish_without_poll()
"""
SCAN = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    events = connection.execute("select * from inbox_events")
    while events.fetchmany(5_000):
        pass
"""
PLAIN = """
import duckdb, sys
with duckdb.connect(sys.argv[2]) as connection:
    connection.execute("create table events as select * from read_parquet(?)", [sys.argv[1]])
"""


def loading(events: int) -> Iterator[Table]:
    """The first load of many stored events."""
    figures = table(f"Loading {events:,} stored webhooks", "", "seconds", "CPU seconds", "peak memory", "ratio")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _fill_store(directory, events)
        scan = run([sys.executable, "-c", SCAN, directory / "operational_store.sqlite"])
        ours = run([sys.executable, "-c", OURS], OUTREACH_DATA_DIR=name)
        rows = _to_parquet(directory)
        if rows != events:
            raise RuntimeError(f"{events:,} events are stored, {rows:,} were loaded.")
        plain = run([sys.executable, "-c", PLAIN, directory / "events.parquet", directory / "plain.duckdb"])
    least = scan.seconds + plain.seconds
    for title, took, ratio in (
        ("one scan of the store", scan, ""),
        ("DuckDB reads the same rows from parquet", plain, ""),
        ("our load", ours, f"{ours.seconds / least:.1f}"),
    ):
        figures.add_row(title, *_spent(took), ratio)
    yield figures


def _spent(took: Run) -> tuple[str, str, str]:
    return f"{took.seconds:.1f}", f"{took.cpu_seconds:.1f}", f"{took.megabytes:,.0f} MB"


def _fill_store(directory: Path, events: int) -> None:
    engine = open_store(Settings(data_dir=directory))
    for first in range(0, events, BATCH_EVENTS):
        rows = [_event(number) for number in range(first, min(first + BATCH_EVENTS, events))]
        with writing(engine) as connection:
            connection.execute(inbox_events.insert(), rows)
    engine.dispose()


def _event(number: int) -> dict[str, object]:
    message = {"message_id": f"<{number}@lead.example>", "html": "<p>Tell me more.</p>" * 20, "text": "Tell me more."}
    body = {
        "event_type": "EMAIL_REPLY",
        "campaign_id": 2710101 + number % 7,
        "stats_id": f"stats-{number}",
        "event_timestamp": "2026-09-02T08:00:00+00:00",
        "sl_lead_email": f"lead-{number}@lead.example",
        "reply_message": message,
        "reply_body": message["html"],
        "secret_key": "[removed]",
    }
    return {
        "source": "smartlead",
        "channel": "webhook",
        "dedupe_key": f"{number:064x}",
        "received_at": datetime(2026, 9, 2, 8, tzinfo=UTC),
        "event_type": "EMAIL_REPLY",
        "body": json.dumps(body),
    }


def _to_parquet(directory: Path) -> int:
    with duckdb.connect(str(directory / "warehouse.duckdb"), read_only=True) as connection:
        target = directory / "events.parquet"
        connection.execute(f"copy raw_smartlead.webhook_events to '{target}' (format parquet)")
        row = connection.execute("select count(*) from raw_smartlead.webhook_events").fetchone()
        return int(row[0]) if row else 0
