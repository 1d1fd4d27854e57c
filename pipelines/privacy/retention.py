"""How long anything is kept: ``seeds/retention.csv`` says it, one function for each of its rows does it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from pipelines.clay.drop_folder import ARCHIVE, FOLDER, QUARANTINE
from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.files import file_errors
from pipelines.privacy import duckdb_rows, store_rows
from pipelines.privacy.expired_texts import EXPIRED, expired, expired_json, phrases_of
from pipelines.publish import superseded
from pipelines.raw_parquet import land_parquet
from pipelines.store import open_store, writing
from pipelines.store_tables import clay_lookups, inbox_events, incidents, outbox, run_steps, runs
from pipelines.warehouse import warehouse_lock

WEBHOOK_TEXTS = (  # the staging table is incremental: what it has taken over it does not read again
    ("raw_smartlead.webhook_events", "payload"),
    ("staging.stg_smartlead__webhook_events", "payload"),
    ("staging.stg_smartlead__webhook_events", "body_text"),
)


@dataclass(frozen=True)
class Period:
    """A row of the reviewed file."""

    what: str
    days: int
    reason: str
    owner: str


@dataclass(frozen=True)
class Due:
    """What is done about one period: everything before a moment; only counted unless it is applied."""

    settings: Settings
    before: datetime
    apply: bool


def read_periods(project_dir: Path) -> list[Period]:
    """All retention periods.

    Raises:
        DataError: the file is missing, or names what this program cannot remove.
    """
    file = project_dir / "seeds" / "retention.csv"
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            periods = [
                Period(row["what"], int(row["days"]), row["reason"], row["owner"]) for row in csv.DictReader(lines)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{file} cannot be used: {error}.", next_step="Correct it; it is reviewed data.") from None
    if unknown := {one.what for one in periods} ^ WAYS.keys():
        raise DataError(
            f"{file} and this program do not name the same: {', '.join(sorted(unknown))}.",
            next_step=f"Give each of these one row: {', '.join(sorted(WAYS))}.",
        )
    return periods


def enforce(settings: Settings, *, apply: bool, now: datetime | None = None, wait_seconds: float = 0) -> dict[str, int]:
    """Remove what is too old, or only count it; returns how many of what.

    Raises:
        LockedError: another process kept the warehouse, or has its file open.
        StoreError: a store or file cannot be written. What was removed until then stays removed.
    """
    now = now or datetime.now(UTC)
    counts = {}
    with warehouse_lock(settings.warehouse_path, "retention", wait_seconds=wait_seconds):
        for one in read_periods(settings.project_dir):
            counts[one.what] = WAYS[one.what](Due(settings, now - timedelta(days=one.days), apply))
        if apply and counts["reply_texts"] + counts["set_aside_records"] + counts["clay_lookups"]:
            with file_errors(settings.warehouse_path):
                duckdb_rows.rewrite(settings.warehouse_path)
            land_parquet(settings, keep_old=False)
    if apply and counts["inbox_events"] + counts["run_history"] + counts["clay_lookups"]:
        store_rows.forget_free_space(open_store(settings))
    return counts


def _inbox_events(due: Due) -> int:
    """Bodies of webhooks and callbacks; what polls observed is kept, because the next poll compares with it."""
    column = inbox_events.c
    old = sa.and_(column.received_at < due.before, column.channel != "poll", column.erased_at.is_(None))
    return _in_store(due, [(inbox_events, old)], store_rows.TOMBSTONE | {"erased_at": datetime.now(UTC)})


def _run_history(due: Due) -> int:
    ended = sa.select(runs.c.run_id).where(runs.c.ended_at < due.before)
    old = [
        (run_steps, run_steps.c.run_id.in_(ended)),
        (runs, runs.c.ended_at < due.before),
        (incidents, incidents.c.closed_at < due.before),
        (outbox, outbox.c.sent_at < due.before),
    ]
    return _in_store(due, old)


def _clay_lookups(due: Due) -> int:
    """Whom Clay was asked about, its answers and what they cost; in the warehouse too, which would keep them."""
    with _warehouse(due) as warehouse:
        warehouse.delete("raw_clay.lookups", "asked_at < $before")
    return _in_store(due, [(clay_lookups, clay_lookups.c.asked_at < due.before)])


def _in_store(
    due: Due, old: list[tuple[sa.Table, sa.ColumnElement[bool]]], values: dict[str, Any] | None = None
) -> int:
    with writing(open_store(due.settings)) as connection:
        counts = [sa.select(sa.func.count()).select_from(table).where(condition) for table, condition in old]
        found = sum(connection.scalar(count) or 0 for count in counts)
        for table, condition in old if due.apply else ():
            change = table.update().where(condition).values(values) if values else table.delete().where(condition)
            connection.execute(change)
    return found


def _set_aside_records(due: Due) -> int:
    with _warehouse(due) as warehouse:
        return warehouse.delete("raw_smartlead.set_aside_records", "read_at < $before")


def _reply_texts(due: Due) -> int:
    """What people wrote; the phrases by which a reviewed rule knows automatic replies and bounce notices stay."""
    phrases = phrases_of(due.settings.project_dir)
    with _warehouse(due) as warehouse:
        count = warehouse.rewrite_texts(
            "raw_smartlead.messages",
            "body_preview",
            f"type = 'REPLY' and message_time < $before and not starts_with(body_preview, '{EXPIRED}')",
            lambda text: expired(text, phrases),
        )
        for table, column in WEBHOOK_TEXTS:
            changed = warehouse.rewrite_texts(
                table,
                column,
                f"event_type like '%REPL%' and received_at < $before and not contains({column}, '{EXPIRED}')",
                lambda text: expired_json(text, phrases) if text.startswith("{") else expired(text, phrases),
            )
            count += changed if table.startswith("raw_") else 0
        return count


def _published_versions(due: Due) -> int:
    return _old_files(due, superseded(due.settings))


def _plans(due: Due) -> int:
    return _old_files(due, due.settings.plans_dir.glob("*"))


def _clay_export_files(due: Due) -> int:
    folders = (due.settings.data_dir / FOLDER / name for name in (ARCHIVE, QUARANTINE))
    return _old_files(due, (file for folder in folders for file in folder.glob("*")))


def _old_files(due: Due, files: Iterable[Path]) -> int:
    return sum(_remove_if_old(due, file) for file in list(files))


def _remove_if_old(due: Due, file: Path) -> bool:
    """Whether a file is too old; if that is applied, it is gone now."""
    with file_errors(file):
        is_old = file.stat().st_mtime < due.before.timestamp()
        if is_old and due.apply:
            file.unlink(missing_ok=True)
    return is_old


@contextmanager
def _warehouse(due: Due) -> Iterator[_Warehouse]:
    """The warehouse for one period, all or nothing of it. The caller holds the lock."""
    file = due.settings.warehouse_path
    with file_errors(file), duckdb.connect(str(file) if file.exists() else ":memory:") as connection:
        connection.begin()
        yield _Warehouse(due, connection)
        if due.apply:
            connection.commit()


class _Warehouse:
    """What one period asks of the warehouse; a table that is not there has nothing that is old."""

    def __init__(self, due: Due, connection: duckdb.DuckDBPyConnection) -> None:
        self._due = due
        self._connection = connection

    def delete(self, table: str, condition: str) -> int:
        found = self._count(table, condition) if self._has(table) else 0
        if found and self._due.apply:
            self._connection.execute(f"delete from {table} where {condition}", self._before)  # noqa: S608  our own names
        return found

    def rewrite_texts(self, table: str, column: str, condition: str, change: Callable[[str], str]) -> int:
        if not self._has(table):
            return 0
        rows = self._connection.execute(
            f"select rowid, {column} from {table} where {column} is not null and {condition}",  # noqa: S608
            self._before,
        ).fetchall()
        for row_id, text in rows if self._due.apply else ():
            update = f"update {table} set {column} = ? where rowid = ?"  # noqa: S608  our own names
            self._connection.execute(update, [change(text), row_id])
        return len(rows)

    @property
    def _before(self) -> dict[str, Any]:
        return {"before": self._due.before}

    def _has(self, table: str) -> bool:
        query = "select 1 from duckdb_tables() where schema_name || '.' || table_name = ?"
        return self._connection.execute(query, [table]).fetchone() is not None

    def _count(self, table: str, condition: str) -> int:
        query = f"select count(*) from {table} where {condition}"  # noqa: S608  our own names
        row = self._connection.execute(query, self._before).fetchone()
        return int(row[0]) if row else 0


WAYS: dict[str, Callable[[Due], int]] = {
    "inbox_events": _inbox_events,
    "reply_texts": _reply_texts,
    "set_aside_records": _set_aside_records,
    "published_versions": _published_versions,
    "plans": _plans,
    "clay_export_files": _clay_export_files,
    "clay_lookups": _clay_lookups,
    "run_history": _run_history,
}
